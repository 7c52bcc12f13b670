import { render } from "preact";
import { useRef } from "preact/hooks";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { useDrawnBand } from "./useDrawnBand";

type Report = (entries: Partial<IntersectionObserverEntry>[]) => void;

const page = document.createElement("div");
let report: Report;

function List() {
  const list = useRef<HTMLUListElement>(null);
  const { band, above, below } = useDrawnBand(list, true);
  return (
    <ul ref={list}>
      <li ref={above} />
      <li ref={below} />
      <output>{`${band.top} ${band.bottom}`}</output>
    </ul>
  );
}

/** What the browser reports of one of the two: from where to where it is covered, and what of that is near enough. */
function reported(which: "above" | "below", whole: [number, number], near: [number, number]): string {
  const target = page.querySelectorAll("li")[which === "above" ? 0 : 1] as Element;
  const rect = ([top, bottom]: [number, number]) => ({ top, bottom, height: bottom - top }) as DOMRectReadOnly;
  act(() => report([{ isIntersecting: true, boundingClientRect: rect(whole), intersectionRect: rect(near), target }]));
  return page.querySelector("output")?.textContent ?? "";
}

beforeEach(() => {
  vi.stubGlobal(
    "IntersectionObserver",
    class {
      constructor(callback: Report) {
        report = callback;
      }
      observe(): void {}
      disconnect(): void {}
    },
  );
  vi.stubGlobal("screen", { height: 1000 });
  act(() => render(<List />, page));
});
afterEach(() => {
  act(() => render(null, page));
  vi.unstubAllGlobals();
});

test("what is drawn reaches further than what is near, and back over the screen", () => {
  expect(reported("below", [12_400, 90_000], [12_400, 12_500])).toBe("10000 12800");
  expect(reported("above", [0, 5000], [4900, 5000])).toBe("4600 7400");
});

test("each keeps out of reach of the other, or they would take turns for ever", () => {
  const [top, bottom] = reported("below", [2400, 90_000], [2400, 2500]).split(" ").map(Number) as [number, number];
  // Margins of 300 may add up, of the page and of what scrolls in it.
  const screen = { top: 2500 - 300 - 1000, bottom: 2500 - 300 };
  expect(top).toBeLessThan(screen.top - 600);
  expect(bottom).toBeGreaterThan(screen.bottom + 300);
});

test("what only touches the edge counts, since nothing more would be reported", () => {
  expect(reported("above", [0, 5000], [5000, 5000])).toBe("4700 7500");
});

test("what covers nothing does not", () => {
  expect(reported("above", [0, 0], [0, 0])).toBe("0 2400");
});
