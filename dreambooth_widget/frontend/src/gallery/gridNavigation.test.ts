import { expect, test } from "vitest";
import { nextTile } from "./gridNavigation";

const ALL = Array<boolean>(7).fill(true);
const SOME = [true, false, false, true, false, true, false];

test.each([
  ["ArrowRight", 0, 1, ALL],
  ["ArrowLeft", 1, 0, ALL],
  ["ArrowDown", 1, 4, ALL],
  ["ArrowUp", 4, 1, ALL],
  ["Home", 5, 0, ALL],
  ["End", 2, 6, ALL],
  ["ArrowRight", 0, 3, SOME],
  ["ArrowLeft", 3, 0, SOME],
  ["ArrowUp", 5, 5, SOME],
  ["End", 0, 5, SOME],
])("%s leads from tile %d to %d in rows of three, past those that wait", (key, from, to, stands) => {
  expect(nextTile(key, from, stands, 3, false)).toBe(to);
});

test("nothing leads out of the grid", () => {
  expect(nextTile("ArrowLeft", 0, ALL, 3, false)).toBe(0);
  expect(nextTile("ArrowDown", 5, ALL, 3, false)).toBe(5);
  expect(nextTile("ArrowUp", 1, ALL, 3, false)).toBe(1);
});

test("right to left, the left arrow goes on", () => {
  expect(nextTile("ArrowLeft", 1, ALL, 3, true)).toBe(2);
});

test("other keys are somebody else's", () => {
  expect(nextTile("j", 1, ALL, 3, false)).toBe(-1);
});
