import { expect, test } from "vitest";
import { OF_REQUEST, pictureKey, tileIndex, toBatchIntent } from "./tileIndex";

test.each([
  [0, 0],
  [0, 3],
  [999, 0],
  [9_999, OF_REQUEST],
] as const)("picture %d/%d and its number lead to each other", (request, picture) => {
  expect(pictureKey(tileIndex([request, picture]))).toEqual([request, picture]);
});

test("numbers follow the batch's order", () => {
  expect(tileIndex([1, 3])).toBeLessThan(tileIndex([1, OF_REQUEST]));
  expect(tileIndex([1, OF_REQUEST])).toBeLessThan(tileIndex([2, 0]));
});

test("the kernel is asked in requests and their pictures", () => {
  const index = tileIndex([7, 2]);
  const need = { type: "get_picture", kind: "original", index, id: "d" } as const;
  expect(toBatchIntent(need)).toEqual({ type: "get_picture", kind: "original", request: 7, index: 2, id: "d" });
  const link = { type: "get_link", index, id: "d" } as const;
  expect(toBatchIntent(link)).toEqual({ type: "get_link", request: 7, index: 2, id: "d" });
  expect(toBatchIntent({ type: "get_crop", index, id: "d", box: [0, 0, 9, 9] })).toEqual({
    type: "get_crop",
    request: 7,
    index: 2,
    id: "d",
    box: [0, 0, 9, 9],
  });
  expect(toBatchIntent({ type: "zip", indices: [1, index], id: "z" })).toEqual({
    type: "zip",
    pictures: [
      [0, 1],
      [7, 2],
    ],
    id: "z",
  });
  expect(toBatchIntent({ type: "ready", have: ["a"] })).toEqual({ type: "ready", have: ["a"] });
});
