/** Zoom and place of the picture in the stage, as state. */
import { useState } from "preact/hooks";
import { clampView, closer, fitView, type Point, pannable, type Size, transform, type View } from "./geometry";

export interface Viewing {
  view: View;
  /** Part of the picture is outside the stage. */
  zoomed: boolean;
  fits: boolean;
  /** As `transform` in geometry.ts. */
  move(shift: Point, factor: number, at: Point): void;
  zoomTo(scale: number, at?: Point): void;
  /** Between fitting and closer, around `at`. */
  toggle(at: Point): void;
}

const CENTRE: Point = { x: 0, y: 0 };

/** The view of `picture`. Zoom and position stay when another one takes its place; what fitted goes on to fit. */
export function useView(stage: Size, picture: Size): Viewing {
  const [held, hold] = useState<View | null>(null);
  const fitted = fitView(stage, picture);
  const viewOf = (state: typeof held): View => (state ? clampView(state, stage, picture) : fitted);

  // Several pointer events can come between two drawings, so each starts from the state and not from what is drawn.
  const change = (next: (view: View) => View): void =>
    hold((state) => {
      const view = clampView(next(viewOf(state)), stage, picture);
      return view.scale > fitted.scale * 1.001 ? view : null;
    });

  const view = viewOf(held);
  const zoomTo = (scale: number, at = CENTRE): void => change((from) => transform(from, scale / from.scale, at));
  const fits = view.scale <= fitted.scale * 1.001;
  return {
    view,
    zoomed: pannable(view, stage, picture),
    fits,
    move: (shift, factor, at) => change((from) => transform(from, factor, at, shift)),
    zoomTo,
    toggle: (at) => zoomTo(fits ? closer(fitted.scale) : fitted.scale, at),
  };
}
