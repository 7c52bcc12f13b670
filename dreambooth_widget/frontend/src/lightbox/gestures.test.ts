import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Point } from "./geometry";
import { trackGestures } from "./gestures";

type Heard = [what: string, ...values: unknown[]];

let stage: HTMLElement;
let heard: Heard[];
let life: AbortController;

function send(type: string, x: number, y: number, init: PointerEventInit & { time?: number } = {}): void {
  const event = new PointerEvent(type, { clientX: x, clientY: y, pointerId: 1, button: 0, ...init });
  if (init.time !== undefined) Object.defineProperty(event, "timeStamp", { value: init.time });
  stage.dispatchEvent(event);
}

function tap(x: number, y: number, time: number): void {
  send("pointerdown", x, y);
  send("pointerup", x, y, { time });
}

const all = (what: string): Heard[] => heard.filter(([name]) => name === what);

beforeEach(() => {
  stage = document.createElement("div");
  stage.setPointerCapture = () => {};
  stage.getBoundingClientRect = () => new DOMRect(0, 0, 200, 100);
  heard = [];
  life = new AbortController();
  const handlers = {
    move: (shift: Point, factor: number, at: Point) => heard.push(["move", shift, factor, at]),
    end: (total: Point | null) => heard.push(["end", total]),
    double: (at: Point) => heard.push(["double", at]),
  };
  trackGestures(stage, () => handlers, life.signal);
});

afterEach(() => life.abort());

describe("trackGestures", () => {
  it("drags with one pointer and tells the whole way at the end", () => {
    send("pointerdown", 100, 50);
    send("pointermove", 110, 50);
    send("pointermove", 130, 45);
    send("pointerup", 130, 45);
    expect(all("move").map(([, shift]) => shift)).toEqual([
      { x: 10, y: 0 },
      { x: 20, y: -5 },
    ]);
    expect(all("end")).toEqual([["end", { x: 30, y: -5 }]]);
  });

  it("pinches with two, and a pinch is no swipe", () => {
    send("pointerdown", 90, 50, { pointerId: 1 });
    send("pointerdown", 110, 50, { pointerId: 2 });
    send("pointermove", 130, 50, { pointerId: 2 });
    expect(all("move")).toEqual([["move", { x: 10, y: 0 }, 2, { x: 0, y: 0 }]]);
    send("pointerup", 130, 50, { pointerId: 2 });
    send("pointerup", 90, 50, { pointerId: 1 });
    expect(all("end")).toEqual([["end", null]]);
  });

  it("hears two quick taps in one place as a double tap, with any pointer", () => {
    tap(100, 50, 1000);
    tap(104, 52, 1200);
    expect(all("double")).toEqual([["double", { x: 4, y: 2 }]]);
  });

  it("hears no double tap in slow, distant or dragged ones, and three are not two doubles", () => {
    tap(100, 50, 1000);
    tap(100, 50, 2000);
    tap(160, 50, 2100);
    expect(all("double")).toEqual([]);
    tap(160, 50, 2200);
    tap(160, 50, 2300);
    expect(all("double")).toHaveLength(1);
  });

  it("ignores the right button, and pointers that were not pressed here", () => {
    send("pointerdown", 100, 50, { button: 2 });
    send("pointermove", 130, 50);
    send("pointerup", 130, 50);
    expect(heard).toEqual([]);
  });

  it("tells no way when the browser takes the pointer away", () => {
    send("pointerdown", 100, 50);
    send("pointercancel", 190, 50);
    expect(all("end")).toEqual([["end", null]]);
  });

  it("zooms with the wheel around the pointer and keeps the page from scrolling", () => {
    // happy-dom's wheel has no place.
    const place = { clientX: 150, clientY: 50 };
    const event = Object.assign(new WheelEvent("wheel", { deltaY: -100, cancelable: true }), place);
    stage.dispatchEvent(event);
    expect(event.defaultPrevented).toBe(true);
    expect(all("move")[0]?.slice(2)).toEqual([Math.exp(0.2), { x: 50, y: 0 }]);
  });

  it("hears nothing once its signal aborted", () => {
    life.abort();
    tap(100, 50, 1000);
    expect(heard).toEqual([]);
  });
});

it("measures from the middle of the frame in which the gesture began, also for a finger in the next one", () => {
  const frame = stage.appendChild(document.createElement("div"));
  frame.dataset.frame = "";
  frame.getBoundingClientRect = () => new DOMRect(100, 0, 100, 100);
  const init = { clientX: 160, clientY: 50, pointerId: 1, button: 0, bubbles: true };
  frame.dispatchEvent(new PointerEvent("pointerdown", init));
  send("pointermove", 20, 50);
  expect(all("move")).toEqual([["move", { x: -140, y: 0 }, 1, { x: 10, y: 0 }]]);
});
