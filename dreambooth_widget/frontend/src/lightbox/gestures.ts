/** Pointers and the wheel over the stage, as movements of the picture. */
import { type Point, pinch, wheelFactor } from "./geometry";

/** Points are CSS pixels from the centre of the stage, or of that `[data-frame]` in it on which the gesture began. */
export interface Gestures {
  /** The picture goes along with the pointers: shifted, and `factor` times as large around `at`. */
  move(shift: Point, factor: number, at: Point): void;
  /** The last pointer left. `total` is the way of a single pointer; null after a pinch or when the browser took over. */
  end(total: Point | null): void;
  double(at: Point): void;
}

const TAP_PIXELS = 8;
const DOUBLE_PIXELS = 24;
const DOUBLE_MS = 350;

const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);

/** Listens on `stage` until `signal` aborts. `current` gives the handlers of the latest drawing. */
export function trackGestures(stage: HTMLElement, current: () => Gestures, signal: AbortSignal): void {
  const down = new Map<number, Point>();
  let frame: Element = stage;
  let from: Point | null = null;
  let tapped: (Point & { time: number }) | null = null;

  const frameOf = (event: Event): Element => (event.target as Element).closest("[data-frame]") ?? stage;
  const pointOf = (event: MouseEvent): Point => {
    const box = frame.getBoundingClientRect();
    return { x: event.clientX - box.left - box.width / 2, y: event.clientY - box.top - box.height / 2 };
  };

  const press = (event: PointerEvent): void => {
    // The click of a button in it would go to the stage.
    if (event.button !== 0 || (event.target as Element).closest("button")) return;
    if (down.size === 0) frame = frameOf(event);
    stage.setPointerCapture(event.pointerId);
    down.set(event.pointerId, pointOf(event));
    from = down.size === 1 ? pointOf(event) : null;
  };

  const drag = (event: PointerEvent): void => {
    if (!down.has(event.pointerId)) return;
    const before = [...down.values()];
    down.set(event.pointerId, pointOf(event));
    const { shift, factor, at } = pinch(before, [...down.values()]);
    current().move(shift, factor, at);
  };

  const release = (event: PointerEvent): void => {
    if (!down.delete(event.pointerId) || down.size > 0) return;
    const at = pointOf(event);
    const total = from && event.type === "pointerup" ? { x: at.x - from.x, y: at.y - from.y } : null;
    current().end(total);
    if (total && Math.hypot(total.x, total.y) < TAP_PIXELS) tap(at, event.timeStamp);
    else tapped = null;
  };

  // Not "dblclick": Safari sends none for fingers where touch-action is none.
  const tap = (at: Point, time: number): void => {
    const twice = tapped && time - tapped.time < DOUBLE_MS && distance(at, tapped) < DOUBLE_PIXELS;
    tapped = twice ? null : { ...at, time };
    if (twice) current().double(at);
  };

  const turn = (event: WheelEvent): void => {
    event.preventDefault();
    if (down.size === 0) frame = frameOf(event);
    current().move({ x: 0, y: 0 }, wheelFactor(event), pointOf(event));
  };

  stage.addEventListener("pointerdown", press, { signal });
  stage.addEventListener("pointermove", drag, { signal });
  stage.addEventListener("pointerup", release, { signal });
  stage.addEventListener("pointercancel", release, { signal });
  stage.addEventListener("wheel", turn, { signal, passive: false });
}
