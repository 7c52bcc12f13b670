import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LiveRegion, PAUSE } from "./liveRegion";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function region() {
  const parent = document.createElement("div");
  const said: string[] = [];
  const life = new AbortController();
  const it = new LiveRegion(parent, life.signal);
  vi.spyOn(parent.firstElementChild as Element, "textContent", "set").mockImplementation(
    (sentence) => void said.push(sentence ?? ""),
  );
  return { said, life, it };
}

test("the first milestone is said at once", () => {
  const { said, it } = region();
  it.milestone("Generating.");
  expect(said).toEqual(["Generating."]);
});

test("of the milestones within five seconds only the last is said, after them", () => {
  const { said, it } = region();
  for (const sentence of ["Generating.", "Loading 4 pictures.", "Done."]) it.milestone(sentence);
  vi.advanceTimersByTime(PAUSE - 1);
  expect(said).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(said).toEqual(["Generating.", "Done."]);
});

test("nothing is said twice", () => {
  const { said, it } = region();
  it.milestone("Generating.");
  it.milestone("Trying again.");
  it.milestone("Generating.");
  vi.advanceTimersByTime(3 * PAUSE);
  expect(said).toEqual(["Generating."]);
});

test("it falls silent with its view", () => {
  const { said, life, it } = region();
  it.milestone("Generating.");
  it.milestone("Done.");
  life.abort();
  vi.advanceTimersByTime(3 * PAUSE);
  expect(said).toEqual(["Generating."]);
});
