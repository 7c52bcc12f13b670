import { expect, test } from "vitest";
import { entry } from "../model/fakeModel";
import type { PictureEntry } from "../model/messages";
import { message, row } from "./fakeBatch";
import type { Row } from "./messages";
import { type Filter, Rows } from "./rows";
import { tileIndex } from "./tileIndex";

function rowsOf(...rows: Row[]): Rows {
  const known = new Rows();
  known.take(message(rows, true));
  return known;
}

/** "0/1" for a picture, "2" for a request itself. */
function tiles(rows: Rows, filter: Filter = "all", from = 0, to = 999): string[] {
  const drawn = rows.gallery(filter).slice(from, to);
  return drawn.map(({ row, pictureIndex }) =>
    pictureIndex === null ? `${row.request}` : `${row.request}/${pictureIndex}`,
  );
}

const FOUR = (request: number): string[] => [0, 1, 2, 3].map((pictureIndex) => `${request}/${pictureIndex}`);
const waiting = entry(1, { status: "waiting", id: "" });

test("a done request gives its pictures, any other one tile, in the batch's order", () => {
  const rows = rowsOf(row(2, "error"), row(0), row(1, "processing", { pictures: [waiting] }));
  expect(tiles(rows)).toEqual([...FOUR(0), "1", "2"]);
  expect(rows.gallery("all")).toMatchObject({ length: 6, ready: 4 });
});

test("a request that is not done stands at the first free place of its pictures, and keeps the others", () => {
  const coming = [0, 1, 2].map((index) => entry(index, { status: "waiting", id: "" }));
  expect(tiles(rowsOf(row(0, "processing", { pictures: coming })))).toEqual(["0", "0/1", "0/2"]);
  const half = [coming[0], entry(1), coming[2]] as PictureEntry[];
  expect(tiles(rowsOf(row(0, "downloading", { pictures: half })))).toEqual(["0", "0/1", "0/2"]);
  expect(tiles(rowsOf(row(0, "error", { pictures: half })))).toEqual(["0/1", "0"]);
});

test("without a kernel nothing is coming", () => {
  const rows = rowsOf(row(0), row(1, "processing", { pictures: [waiting] }), row(2, "error"));
  const left = rows.gallery("all", false);
  expect(left.slice(0, 9).map(({ row }) => row.request)).toEqual([0, 0, 0, 0, 2]);
  expect(left.length).toBe(5);
});

test("a missing picture of a done request is a tile, and a request without pictures too", () => {
  const lost = entry(1, { status: "missing", reason: "403", id: "" });
  expect(tiles(rowsOf(row(0, "success", { pictures: [entry(0), lost] })))).toEqual(["0/0", "0/1"]);
  expect(tiles(rowsOf(row(0, "success", { pictures: [] })))).toEqual(["0"]);
});

test("only what can be asked for again is a tile that the keys stop at", () => {
  const rows = rowsOf(row(0, "processing"), row(1, "error"), row(2, "stopped"), row(3, "timed_out"), row(4, "idle"));
  const { slice } = rows.gallery("all");
  expect(slice(0, 9).map((each) => each.status)).toEqual(["waiting", "missing", "missing", "missing", "waiting"]);
});

test("a filter keeps the order and knows its own numbers", () => {
  const rows = rowsOf(row(0), row(1, "error"), row(2), row(3, "stopped"));
  expect(tiles(rows, "done")).toEqual([...FOUR(0), ...FOUR(2)]);
  expect(rows.gallery("done")).toMatchObject({ length: 8, ready: 8 });
  expect(tiles(rows, "failed")).toEqual(["1"]);
  expect(rows.gallery("waiting")).toMatchObject({ length: 0, ready: 0 });
});

test("a part of the gallery begins and ends within requests", () => {
  expect(tiles(rowsOf(row(0), row(1), row(2)), "all", 3, 6)).toEqual(["0/3", "1/0", "1/1"]);
});

test("a changed row takes its old tiles' pictureIndex, in number too", () => {
  const rows = rowsOf(row(0, "processing"), row(1));
  rows.take(message([row(0)]));
  expect(tiles(rows)).toEqual([...FOUR(0), ...FOUR(1)]);
  expect(rows.gallery("all")).toMatchObject({ length: 8, ready: 8 });
  expect(rows.gallery("waiting").length).toBe(0);
});

test("a snapshot makes void what was known; what follows it adds", () => {
  const rows = rowsOf(row(0), row(1), row(2));
  rows.take(message([row(0, "error")], true));
  expect(tiles(rows)).toEqual(["0"]);
  rows.take(message([row(1)]));
  expect(tiles(rows)).toEqual(["0", ...FOUR(1)]);
});

test("a picture is found by its number, and those that can be opened are listed", () => {
  const rows = rowsOf(row(0, "error"), row(1));
  expect(rows.at(tileIndex([1, 2]))).toMatchObject({ id: "1/2", pictureIndex: 2 });
  expect(rows.at(tileIndex([5, 0]))).toBeUndefined();
  const ready = rows.gallery("all").listReady();
  expect(ready.map((each) => each.id)).toEqual(FOUR(1));
});

test("a part of a thousand lists no more requests than it needs", () => {
  let read = 0;
  const rows = rowsOf(...Array.from({ length: 1000 }, (_, request) => row(request)));
  const { slice } = rows.gallery("all");
  const get = Map.prototype.get;
  Map.prototype.get = function (this: Map<unknown, unknown>, key) {
    read += 1;
    return get.call(this, key);
  };
  const drawn = slice(0, 60);
  Map.prototype.get = get;
  expect(drawn).toHaveLength(60);
  expect(read).toBe(15);
});
