import { expect, test } from "vitest";
import { indexOf, inPlaces, OF_REQUEST, placeOf } from "./places";

test.each([
  [0, 0],
  [0, 3],
  [999, 0],
  [9_999, OF_REQUEST],
] as const)("picture %d/%d and its number lead to each other", (request, picture) => {
  expect(placeOf(indexOf([request, picture]))).toEqual([request, picture]);
});

test("numbers follow the batch's order", () => {
  expect(indexOf([1, 3])).toBeLessThan(indexOf([1, OF_REQUEST]));
  expect(indexOf([1, OF_REQUEST])).toBeLessThan(indexOf([2, 0]));
});

test("the kernel is asked in requests and their pictures", () => {
  const index = indexOf([7, 2]);
  const need = { type: "get_picture", kind: "original", index, id: "d" } as const;
  expect(inPlaces(need)).toEqual({ type: "get_picture", kind: "original", request: 7, index: 2, id: "d" });
  expect(inPlaces({ type: "zip", indices: [1, index], id: "z" })).toEqual({
    type: "zip",
    places: [
      [0, 1],
      [7, 2],
    ],
    id: "z",
  });
  expect(inPlaces({ type: "ready", have: ["a"] })).toEqual({ type: "ready", have: ["a"] });
});
