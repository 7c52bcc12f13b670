import { describe, expect, test } from "vitest";
import { click, type Selection, toggle } from "./selection";

const ORDER = [4, 7, 9, 12, 15];
const none = { ctrlKey: false, metaKey: false, shiftKey: false };
const at = (anchor: number | null, ...selected: number[]): Selection => ({ selected: new Set(selected), anchor });
const list = (selection: Selection | null) => selection && [...selection.selected];

describe("a click", () => {
  test("opens the picture without a modifier", () => expect(click(at(4, 4), 9, ORDER, none)).toBeNull());

  test.each(["ctrlKey", "metaKey"])("with %s adds the picture, and takes it away", (modifier) => {
    const event = { ...none, [modifier]: true };
    expect(list(click(at(4, 4), 9, ORDER, event))).toEqual([4, 9]);
    expect(list(click(at(9, 4, 9), 9, ORDER, event))).toEqual([4]);
  });

  test("with Shift selects from the last choice to here, in both directions", () => {
    const shift = { ...none, shiftKey: true };
    expect(list(click(at(7, 7), 12, ORDER, shift))).toEqual([7, 9, 12]);
    expect(list(click(at(12, 12), 4, ORDER, shift))).toEqual([4, 7, 9, 12]);
    expect(list(click(at(7, 7, 15), 9, ORDER, shift))).toEqual([7, 9]);
    expect(list(click(at(null), 9, ORDER, shift))).toEqual([9]);
  });

  test("a range keeps its beginning while its end moves", () => {
    const shift = { ...none, shiftKey: true };
    const first = click(at(7, 7), 15, ORDER, shift) as Selection;
    expect(list(click(first, 9, ORDER, shift))).toEqual([7, 9]);
  });

  test("with Ctrl and Shift adds the range", () => {
    const both = { ...none, ctrlKey: true, shiftKey: true };
    expect(list(click(at(12, 4, 12), 15, ORDER, both))).toEqual([4, 12, 15]);
  });

  test("a beginning that is no longer there counts for nothing", () => {
    expect(list(click(at(99), 9, ORDER, { ...none, shiftKey: true }))).toEqual([9]);
  });
});

test("a box toggles its picture alone, and ranges start there", () => {
  expect(toggle(at(null, 4), 9)).toEqual(at(9, 4, 9));
  expect(toggle(at(null, 4), 9, false)).toEqual(at(9, 4));
});
