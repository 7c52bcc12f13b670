import { expect, test } from "vitest";
import { step } from "./steps";

test.each([
  ["ArrowRight", 0, 1],
  ["ArrowLeft", 1, 0],
  ["ArrowDown", 1, 4],
  ["ArrowUp", 4, 1],
  ["Home", 5, 0],
  ["End", 2, 6],
])("%s leads from tile %d to %d in rows of three", (key, from, to) => {
  expect(step(key, from, 7, 3, false)).toBe(to);
});

test("nothing leads out of the grid", () => {
  expect(step("ArrowLeft", 0, 7, 3, false)).toBe(0);
  expect(step("ArrowDown", 5, 7, 3, false)).toBe(5);
  expect(step("ArrowUp", 1, 7, 3, false)).toBe(1);
});

test("right to left, the left arrow goes on", () => {
  expect(step("ArrowLeft", 1, 7, 3, true)).toBe(2);
});

test("other keys are somebody else's", () => {
  expect(step("j", 1, 7, 3, false)).toBeUndefined();
});
