import { expect, test } from "vitest";
import { nextTile } from "./gridNavigation";
import type { Box } from "./justifiedRows";

const ALL = Array<boolean>(7).fill(true);
const SOME = [true, false, false, true, false, true, false];
/** Seven tiles in rows of three. */
const THREES: Box[] = ALL.map((_, index) => ({
  row: Math.floor(index / 3),
  start: (index % 3) * 100,
  top: 0,
  width: 92,
  height: 92,
}));
/** A panorama between rows of three. */
const MIXED = [...THREES.slice(0, 3), { row: 1, start: 0, top: 0, width: 292, height: 92 }, ...THREES.slice(3, 6)].map(
  (box, index) => (index > 3 ? { ...box, row: 2 } : box),
);

test.each([
  ["ArrowRight", 0, 1, ALL],
  ["ArrowLeft", 1, 0, ALL],
  ["ArrowDown", 1, 4, ALL],
  ["ArrowUp", 4, 1, ALL],
  ["Home", 5, 0, ALL],
  ["End", 2, 6, ALL],
  ["ArrowRight", 0, 3, SOME],
  ["ArrowLeft", 3, 0, SOME],
  ["End", 0, 5, SOME],
])("%s leads from tile %d to %d in rows of three, past those that wait", (key, from, to, stands) => {
  expect(nextTile(key, from, stands, THREES, false)).toBe(to);
});

test.each([
  ["ArrowDown", 2, 3],
  ["ArrowDown", 3, 5],
  ["ArrowUp", 6, 3],
  ["ArrowUp", 3, 1],
])("%s leads from tile %d to %d, the nearest of the next row", (key, from, to) => {
  expect(nextTile(key, from, ALL, MIXED, false)).toBe(to);
});

test("a row in which nothing stands is passed over", () => {
  expect(nextTile("ArrowDown", 0, [true, true, true, false, false, false, true], THREES, false)).toBe(6);
});

test("nothing leads out of the grid", () => {
  expect(nextTile("ArrowLeft", 0, ALL, THREES, false)).toBe(0);
  expect(nextTile("ArrowDown", 6, ALL, THREES, false)).toBe(6);
  expect(nextTile("ArrowUp", 1, ALL, THREES, false)).toBe(1);
});

test("right to left, the left arrow goes on", () => {
  expect(nextTile("ArrowLeft", 1, ALL, THREES, true)).toBe(2);
});

test("other keys are somebody else's", () => {
  expect(nextTile("j", 1, ALL, THREES, false)).toBe(-1);
});
