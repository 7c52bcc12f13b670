import { expect, test } from "vitest";
import { GAP, justifiedRows, type Shape } from "./justifiedRows";

const picture = (width: number, height: number): Shape => ({ ratio: width / height, width, height });
const squares = (count: number, edge = 1024): Shape[] => Array.from({ length: count }, () => picture(edge, edge));
const layOut = (shapes: Shape[], width = 1246, more = {}) =>
  justifiedRows(shapes, { width, target: 180, below: 0, spread: true, ...more });
const counts = ({ boxes }: ReturnType<typeof layOut>): number[] => {
  const rows: number[] = [];
  for (const { row } of boxes) rows[row] = (rows[row] ?? 0) + 1;
  return rows;
};

test("a full row fills the width to the pixel, whatever the shapes", () => {
  const shapes = Array.from({ length: 60 }, (_, index) => picture(400 + ((index * 373) % 900), 700));
  const { boxes, height } = layOut(shapes, 997);
  const last = boxes.at(-1)?.row ?? 0;
  for (let row = 0; row < last; row++) {
    const end = boxes.filter((box) => box.row === row).at(-1);
    expect((end?.start ?? 0) + (end?.width ?? 0)).toBe(997);
  }
  for (const [index, { width, height: tall }] of boxes.entries()) {
    expect(width / tall).toBeCloseTo(shapes[index]?.ratio ?? 0, 1);
    expect(tall).toBeGreaterThan(120);
    expect(tall).toBeLessThan(270);
  }
  expect(height).toBe((boxes.at(-1)?.top ?? 0) + (boxes.at(-1)?.height ?? 0));
});

test("a panorama is as tall as its neighbours", () => {
  const { boxes } = layOut([picture(1000, 1000), picture(5000, 1000), ...squares(20)]);
  expect(boxes[0]?.row).toBe(boxes[1]?.row);
  expect(boxes[0]?.height).toBe(boxes[1]?.height);
});

test("the last row is not stretched and goes on at the height of the one before", () => {
  const { boxes } = layOut(squares(17));
  expect(counts({ boxes, height: 0 })).toEqual([7, 7, 3]);
  expect(boxes.at(-1)?.width).toBe(boxes[0]?.width);
});

test("four pictures stand in one row or two by two, never three and one", () => {
  expect(counts(layOut(squares(4), 1246))).toEqual([4]);
  expect(counts(layOut(squares(4), 606))).toEqual([2, 2]);
  expect(counts(layOut(squares(4), 286))).toEqual([2, 2]);
  expect(counts(layOut(Array(3).fill(picture(640, 960)), 286))).toEqual([2, 1]);
});

test("a gallery that grows at its end leaves its first rows alone", () => {
  const options = { spread: false, below: 36 };
  const [few, more] = [layOut(squares(9), 606, options), layOut(squares(30), 606, options)];
  expect(more.boxes.slice(0, 9)).toEqual(few.boxes);
  expect(few.boxes[3]?.top).toBe((few.boxes[0]?.height ?? 0) + 36 + GAP);
});

test("one picture is no larger than itself and than 512 px", () => {
  expect(layOut([picture(300, 200)]).boxes[0]).toMatchObject({ width: 300, height: 200 });
  expect(layOut([picture(2000, 1000)]).boxes[0]).toMatchObject({ width: 512, height: 256 });
  expect(layOut([picture(1000, 2000)]).boxes[0]).toMatchObject({ width: 256, height: 512 });
  expect(layOut([picture(2000, 2000)], 286).boxes[0]).toMatchObject({ width: 286, height: 286 });
});

test("rows of small pictures are as low as their pictures", () => {
  expect(layOut(squares(40, 128)).boxes[0]?.height).toBeLessThanOrEqual(140);
});

test("narrow pictures leave room for their controls, and nothing makes no rows", () => {
  expect(Math.min(...layOut(Array(30).fill(picture(100, 1000))).boxes.map(({ width }) => width))).toBeGreaterThan(60);
  expect(layOut([])).toEqual({ boxes: [], height: 0 });
});
