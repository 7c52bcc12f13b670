/** The loupe: whether it is on, and over which spot of every picture. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Point } from "../lightbox/geometry";

export interface Loupe {
  /** While Z is held, or the button is pressed. */
  on: boolean;
  /** Shares of a picture's width and height. */
  spot: Point;
  /** Moves it there, or remembers the place where it will begin. */
  show(spot: Point): void;
  /** A key by its name in lower case; true when it was used. */
  press(key: string): boolean;
  release(key: string): void;
}

/** Of the picture, for a press of an arrow. */
const STEP = 0.04;
const STEPS: Record<string, Point> = {
  arrowleft: { x: -STEP, y: 0 },
  arrowright: { x: STEP, y: 0 },
  arrowup: { x: 0, y: -STEP },
  arrowdown: { x: 0, y: STEP },
};

export function useLoupe(pinned: boolean, unpin: () => void): Loupe {
  const [held, setHeld] = useState(false);
  const [, redraw] = useState({});
  const on = held || pinned;
  // Not a state: a pointer that moves while the loupe is off draws nothing.
  const spot = useRef<Point>({ x: 0.5, y: 0.5 });
  useEffect(() => {
    const stop = new AbortController();
    window.addEventListener("blur", () => setHeld(false), { signal: stop.signal });
    return () => stop.abort();
  }, []);

  const show = (next: Point): void => {
    spot.current = next;
    if (on) redraw({});
  };
  const press = (key: string): boolean => {
    const step = STEPS[key];
    if (key === "z") setHeld(true);
    else if (on && step) {
      const move = (from: number, by: number): number => Math.min(1, Math.max(0, from + by));
      show({ x: move(spot.current.x, step.x), y: move(spot.current.y, step.y) });
    } else if (pinned && key === "escape") unpin();
    else return false;
    return true;
  };
  const release = (key: string): void => {
    if (key === "z") setHeld(false);
  };
  return { on, spot: spot.current, show, press, release };
}
