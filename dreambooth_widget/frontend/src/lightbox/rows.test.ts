import { describe, expect, it } from "vitest";
import type { PictureEntry } from "../wire";
import { fileSize, nameOf, rowsOf } from "./rows";

const ENTRY: PictureEntry = {
  index: 1,
  status: "ready",
  reason: "",
  id: "d1",
  name: "77-2.png",
  format: "PNG",
  mime: "image/png",
  width: 1024,
  height: 768,
  size: 1_432_123,
  text: { seed: "124", prompt: "a <b>dog</b>" },
};

const told = (label: string, meta = {}) => rowsOf(ENTRY, meta, "77").find((row) => row.label === label)?.value;

describe("rowsOf", () => {
  it("begins with what people ask for, then the file, then the rest in its own order", () => {
    const meta = { scheduler: "DPM++", steps: "30", guidance_scale: "7.5", model: "m" };
    expect(rowsOf(ENTRY, meta, "77").map((row) => row.label)).toEqual([
      ..."Prompt Seed Model Steps Size Format File Request Scheduler".split(" "),
      "Guidance scale",
    ]);
  });

  it("believes the picture's own text before the job's", () => {
    expect(told("Seed", { seed: "123" })).toBe("124");
  });

  it("keeps values as they are, markup and all", () => {
    expect(told("Prompt")).toBe("a <b>dog</b>");
  });

  it("says one thing once, however its key is written", () => {
    const labels = rowsOf(ENTRY, { "negative prompt": "x", negativePrompt: "y", W: "5", Height: "5" }, "77");
    expect(labels.filter((row) => row.label === "Negative prompt")).toEqual([{ label: "Negative prompt", value: "y" }]);
    expect(labels.some((row) => ["W", "Height"].includes(row.label))).toBe(false);
  });

  it("leaves out what is not known", () => {
    expect(told("Model", { model: "" })).toBeUndefined();
  });

  it("tells the file's size for people", () => {
    expect(told("Format")).toBe("PNG · 1.4 MB");
    expect([fileSize(10), fileSize(20_400), fileSize(12_000_000)]).toEqual(["1 kB", "20 kB", "12.0 MB"]);
  });
});

describe("nameOf", () => {
  it("counts and names the seed when there is one", () => {
    expect(nameOf(ENTRY, 1, 4)).toBe("Picture 2 of 4, seed 124");
    expect(nameOf({ ...ENTRY, text: {} }, 0, 1)).toBe("Picture 1 of 1");
  });
});
