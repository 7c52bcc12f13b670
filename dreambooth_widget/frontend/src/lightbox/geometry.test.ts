import { describe, expect, it } from "vitest";
import {
  arrange,
  clampView,
  fitView,
  kindFor,
  matchView,
  pannable,
  pinch,
  swipe,
  transform,
  wheelFactor,
} from "./geometry";

const STAGE = { width: 800, height: 616 };
const LARGE = { width: 2000, height: 1000 };
const SMALL = { width: 100, height: 100 };
const TINY = { width: 10, height: 10 };

describe("fitting", () => {
  it("shows the whole picture, limited by the narrower side", () => {
    expect(fitView(STAGE, LARGE).scale).toBe(0.4);
    expect(fitView(STAGE, { width: 1000, height: 2000 }).scale).toBe(0.3);
  });

  it("fills the stage with a small picture, however small", () => {
    expect(fitView(STAGE, SMALL)).toEqual({ scale: 6, x: 0, y: 0 });
    expect(fitView(STAGE, TINY).scale).toBe(60);
  });

  it("asks for no original while the stage has no size", () => {
    expect(kindFor(LARGE, fitView({ width: 0, height: 0 }, LARGE).scale)).toBe("preview");
  });
});

describe("clampView", () => {
  it("keeps the picture's edge at or outside the stage's edge", () => {
    const view = clampView({ scale: 1, x: 9999, y: -9999 }, STAGE, LARGE);
    expect(view).toEqual({ scale: 1, x: (2000 - 800) / 2, y: -(1000 - 616) / 2 });
  });

  it("centres the direction in which there is room", () => {
    const view = clampView({ scale: 0.5, x: 50, y: 50 }, STAGE, LARGE);
    expect(view).toEqual({ scale: 0.5, x: 50, y: 0 });
  });

  it("stays between fitting and eight to one", () => {
    expect(clampView({ scale: 0, x: 0, y: 0 }, STAGE, LARGE).scale).toBe(0.4);
    expect(clampView({ scale: 99, x: 0, y: 0 }, STAGE, LARGE).scale).toBe(8);
  });

  it("lets a small picture shrink to its own pixels, and grow to twice what fits", () => {
    expect(clampView({ scale: 0, x: 0, y: 0 }, STAGE, TINY).scale).toBe(1);
    expect(clampView({ scale: 999, x: 0, y: 0 }, STAGE, TINY).scale).toBe(120);
  });
});

describe("transform", () => {
  it("keeps the point of the picture that lies under the pointer there", () => {
    const before = { scale: 0.5, x: 30, y: -20 };
    const at = { x: 120, y: 60 };
    const after = transform(before, 2.5, at);
    const under = (view: typeof before) => [(at.x - view.x) / view.scale, (at.y - view.y) / view.scale];
    expect(under(after)[0]).toBeCloseTo(under(before)[0] as number);
    expect(under(after)[1]).toBeCloseTo(under(before)[1] as number);
  });
});

describe("pinch", () => {
  it("tells how much further apart two fingers are, and how their middle moved", () => {
    const before = [
      { x: -10, y: 0 },
      { x: 10, y: 0 },
    ];
    const after = [
      { x: -15, y: 5 },
      { x: 25, y: 5 },
    ];
    expect(pinch(before, after)).toEqual({ shift: { x: 5, y: 5 }, factor: 2, at: { x: 0, y: 0 } });
  });

  it("of one finger only shifts", () => {
    expect(pinch([{ x: 1, y: 1 }], [{ x: 4, y: 0 }])).toEqual({
      shift: { x: 3, y: -1 },
      factor: 1,
      at: { x: 1, y: 1 },
    });
  });
});

describe("wheelFactor", () => {
  const wheel = (deltaY: number, deltaMode = 0, ctrlKey = false) => wheelFactor({ deltaY, deltaMode, ctrlKey });

  it("enlarges upwards, and the way back is the same way", () => {
    expect(wheel(-100)).toBeGreaterThan(1);
    expect(wheel(-100) * wheel(100)).toBeCloseTo(1);
  });

  it("counts lines as more than pixels, and a trackpad's pinch as more than a turn", () => {
    expect(wheel(-3, 1)).toBeGreaterThan(wheel(-3));
    expect(wheel(-3, 0, true)).toBeGreaterThan(wheel(-3));
  });

  it("does not jump on a huge step", () => {
    expect(wheel(-100000)).toBeLessThan(2);
  });
});

describe("swipe", () => {
  it("turns on a far sideways push only", () => {
    expect(swipe({ x: -90, y: 10 }, STAGE)).toBe(-1);
    expect(swipe({ x: 90, y: 10 }, STAGE)).toBe(1);
    expect(swipe({ x: 40, y: 0 }, STAGE)).toBe(0);
    expect(swipe({ x: 90, y: 80 }, STAGE)).toBe(0);
  });

  it("needs less of a narrow stage", () => {
    expect(swipe({ x: 70, y: 0 }, { width: 320, height: 500 })).toBe(1);
  });
});

describe("kindFor", () => {
  it("asks for the original once the preview has too few pixels", () => {
    expect(kindFor({ width: 2048, height: 2048 }, 0.5)).toBe("preview");
    expect(kindFor({ width: 2048, height: 2048 }, 0.6)).toBe("original");
  });

  it("takes a preview of a small picture for its own size, and no more", () => {
    expect(kindFor({ width: 512, height: 512 }, 1)).toBe("preview");
    expect(kindFor({ width: 512, height: 512 }, 2)).toBe("original");
  });
});

describe("pannable", () => {
  it("is a picture with a part outside the stage", () => {
    expect(pannable({ scale: 0.4, x: 0, y: 0 }, STAGE, LARGE)).toBe(false);
    expect(pannable({ scale: 0.5, x: 0, y: 0 }, STAGE, LARGE)).toBe(true);
    expect(pannable({ scale: 2, x: 0, y: 0 }, STAGE, SMALL)).toBe(false);
  });
});

describe("matchView", () => {
  it("is the same view for a picture of the same size", () => {
    const view = { scale: 0.8, x: 30, y: -20 };
    expect(matchView(view, STAGE, LARGE, LARGE)).toEqual(view);
  });

  it("shows the same spot of a smaller picture as large as that of the larger one", () => {
    const half = { width: 1000, height: 500 };
    expect(matchView({ scale: 0.8, x: 30, y: -20 }, STAGE, LARGE, half)).toEqual({ scale: 1.6, x: 30, y: -20 });
  });

  it("fits another shape as well", () => {
    const other = { width: 500, height: 1000 };
    const fitting = matchView(fitView(STAGE, LARGE), STAGE, LARGE, other);
    expect(fitting.scale).toBeCloseTo(fitView(STAGE, other).scale);
    expect(fitting).toMatchObject({ x: 0, y: 0 });
  });

  it("is nothing while the stage has no size", () => {
    const nothing = { width: 0, height: 0 };
    expect(matchView(fitView(nothing, LARGE), nothing, LARGE, SMALL)).toEqual({ scale: 0, x: 0, y: 0 });
  });
});

describe("arrange", () => {
  const columns = (count: number, width: number, height: number, picture = SMALL): number =>
    arrange(count, { width, height }, picture).columns;

  it("lays two beside each other in a wide window, and one below the other in a narrow one", () => {
    expect(columns(2, 1280, 850)).toBe(2);
    expect(columns(2, 320, 540)).toBe(1);
  });

  it("lays four as two by two, unless the window is very wide", () => {
    expect(columns(4, 1280, 850)).toBe(2);
    expect(columns(4, 320, 540)).toBe(2);
    expect(columns(4, 1600, 400)).toBe(4);
  });

  it("lays panoramas below each other", () => {
    expect(columns(2, 1280, 850, { width: 500, height: 100 })).toBe(1);
    expect(columns(3, 1280, 850, { width: 500, height: 100 })).toBe(1);
  });

  it("fills the stage, but for the gaps and the captions", () => {
    expect(arrange(4, { width: 1002, height: 702 }, SMALL).pane).toEqual({ width: 500, height: 318 });
    expect(arrange(2, { width: 0, height: 0 }, SMALL).pane).toEqual({ width: 0, height: 0 });
  });
});
