/** Zoom and place of the picture in the stage, as state. */
import { useState } from "preact/hooks";
import {
  clampView,
  closer,
  fitView,
  type Point,
  pannable,
  type Size,
  scaleLimits,
  transform,
  type View,
} from "./geometry";
import type { ZoomCommand } from "./keymap";

export interface Viewing {
  view: View;
  /** Part of the picture is outside the stage. */
  zoomed: boolean;
  fits: boolean;
  /** It is as small, or as large, as it gets. */
  least: boolean;
  most: boolean;
  /** As `transform` in geometry.ts. */
  move(shift: Point, factor: number, at: Point): void;
  commands: Record<ZoomCommand, () => void>;
  /** Between fitting and closer, around `at`. */
  toggle(at: Point): void;
}

const ZOOM_STEP = 1.5;
const PAN_STEP = 96;
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
      return same(view.scale, fitted.scale) ? null : view;
    });

  const view = viewOf(held);
  const [least, most] = scaleLimits(stage, picture);
  const zoomTo = (scale: number, at = CENTRE): void => change((from) => transform(from, scale / from.scale, at));
  const move: Viewing["move"] = (shift, factor, at) => change((from) => transform(from, factor, at, shift));
  const pan = (x: number, y: number): void => move({ x: x * PAN_STEP, y: y * PAN_STEP }, 1, CENTRE);
  const fits = same(view.scale, fitted.scale);
  return {
    view,
    zoomed: pannable(view, stage, picture),
    fits,
    least: same(view.scale, least),
    most: same(view.scale, most),
    move,
    commands: {
      closer: () => zoomTo(view.scale * ZOOM_STEP),
      farther: () => zoomTo(view.scale / ZOOM_STEP),
      fit: () => hold(null),
      actual: () => zoomTo(1),
      left: () => pan(1, 0),
      right: () => pan(-1, 0),
      up: () => pan(0, 1),
      down: () => pan(0, -1),
    },
    toggle: (at) => zoomTo(fits ? closer(fitted.scale) : fitted.scale, at),
  };
}

/** Whether two scales look alike. */
const same = (one: number, other: number): boolean => Math.abs(one - other) <= other * 0.001;
