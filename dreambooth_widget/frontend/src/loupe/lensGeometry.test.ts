import { describe, expect, it } from "vitest";
import { lensAt, spotAt } from "./lensGeometry";

const PICTURE = { width: 1000, height: 800 };
const FRAME = { x: 100, y: 50, width: 500, height: 400 };
const FITTING = { x: 0, y: 0, scale: 0.5 };

describe("spotAt", () => {
  it("is the share of the picture's width and height under the pointer", () => {
    expect(spotAt({ x: 225, y: 350 }, FRAME, PICTURE, FITTING)).toEqual({ x: 0.25, y: 0.75 });
  });

  it("follows a picture that was zoomed and moved", () => {
    const view = { x: 100, y: 0, scale: 1 };
    expect(spotAt({ x: 350, y: 250 }, FRAME, PICTURE, view)).toEqual({ x: 0.4, y: 0.5 });
  });

  it("stays in the picture, wherever the pointer is", () => {
    expect(spotAt({ x: -999, y: 9999 }, FRAME, PICTURE, FITTING)).toEqual({ x: 0, y: 1 });
  });
});

describe("lensAt", () => {
  it("covers a small tile, and shows as many pixels of the picture as it has itself", () => {
    const tile = { width: 180, height: 144 };
    const lens = lensAt({ x: 0.5, y: 0.5 }, tile, PICTURE, { x: 0, y: 0, scale: 0.18 });
    expect(lens).toEqual({ left: 0, top: 0, box: [410, 328, 590, 472] });
  });

  it("lies over its spot in a large place, with the spot in its middle", () => {
    const lens = lensAt({ x: 0.5, y: 0.5 }, { width: 900, height: 700 }, PICTURE, FITTING);
    expect(lens).toEqual({ left: 290, top: 190, box: [340, 240, 660, 560] });
  });

  it.each([
    [{ x: 0, y: 0 }, [0, 0, 320, 320]],
    [{ x: 1, y: 1 }, [680, 480, 1000, 800]],
  ])("shows what there is at the edge %j", (spot, box) => {
    expect(lensAt(spot, { width: 900, height: 700 }, PICTURE, FITTING).box).toEqual(box);
  });

  it("is no larger than a small picture", () => {
    const small = { width: 64, height: 40 };
    expect(lensAt({ x: 0.5, y: 0.5 }, FRAME, small, { x: 0, y: 0, scale: 1 }).box).toEqual([0, 0, 64, 40]);
  });
});
