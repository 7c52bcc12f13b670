import { describe, expect, test } from "vitest";
import { KernelClock, untilNextSecond } from "./clock";

describe("KernelClock", () => {
  test("follows a kernel that is behind the browser, once it has spoken", () => {
    const clock = new KernelClock();
    clock.observe(900, 1000, true);
    expect(clock.at(1010)).toBe(910);
  });

  test("believes the stamp that was least on the way", () => {
    const clock = new KernelClock();
    for (const delay of [3, 0.1, 20]) clock.observe(1000 - delay, 1000, true);
    expect(clock.at(1000)).toBeCloseTo(999.9);
  });

  test("does not take an old stamp in the model for a slow clock", () => {
    const clock = new KernelClock();
    clock.observe(400, 1000, false);
    expect(clock.at(1000)).toBe(1000);
  });

  test("a stamp from the future is a clock that is ahead, wherever it was found", () => {
    const clock = new KernelClock();
    clock.observe(1060, 1000, false);
    expect(clock.at(1000)).toBe(1060);
  });
});

test("ticks fall on whole seconds of the job", () => {
  expect(untilNextSecond(10.25, 0)).toBe(750);
  expect(untilNextSecond(10.25, 3.5)).toBe(250);
  expect(untilNextSecond(3, 3.5)).toBe(500);
});
