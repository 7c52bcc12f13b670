import { describe, expect, test } from "vitest";
import { entry, traits } from "../model/fakeModel";
import { factsOf, fileSize, nameOf, ofFile, ofJob } from "./pictureFacts";

const ENTRY = entry(1, { width: 1024, height: 768, size: 1_432_123, text: { seed: "124", prompt: "a <b>dog</b>" } });
const JOB = { request: "77", time: "31 s" };
const labels = (facts: [string, string][]): string[] => facts.map(([label]) => label);

describe("facts", () => {
  test("begin with what people ask for, then what is certain, then the rest in its own order", () => {
    const meta = { scheduler: "DPM++", steps: "30", guidance_scale: "7.5", model: "m" };
    expect(labels(factsOf({ ...ofFile(ENTRY), ...JOB }, meta, ENTRY.text))).toEqual([
      ..."Prompt Seed Model Steps Size Format File Request Time Scheduler".split(" "),
      "Guidance scale",
    ]);
  });

  test("of the picture count more than those of the job", () => {
    expect(factsOf({}, { seed: "123" }, ENTRY.text)).toContainEqual(["Seed", "124"]);
  });

  test("stay as they are, markup and all", () => {
    expect(factsOf({}, ENTRY.text)).toContainEqual(["Prompt", "a <b>dog</b>"]);
  });

  test("are told once, however their keys are written", () => {
    const told = { "negative prompt": "x", negativePrompt: "y", model_id: "m", Request: "none of theirs" };
    expect(factsOf({ request: "77" }, told)).toEqual([
      ["Negative prompt", "y"],
      ["Model", "m"],
      ["Request", "77"],
    ]);
  });

  test("leave out what only the wire calls so", () => {
    expect(labels(factsOf({ size: "5 × 6" }, { W: "5", Height: "6", n_samples: "4" }))).toEqual(["Size"]);
    expect(labels(factsOf({}, { W: "5", H: "6", samples: "4", seed: "1" }))).toEqual(["Seed"]);
  });

  test("that nobody knows are left out", () => {
    expect(factsOf({ time: "" }, { model: "" })).toEqual([]);
  });
});

test("a job tells its request, and its time once it is over", () => {
  const view = { ...traits({ started_at: 100 }), heard: 0, alive: true, wasLive: true };
  expect(ofJob(view)).toEqual({ request: "13443927", time: "" });
  expect(ofJob({ ...view, finished_at: 131 })).toEqual({ request: "13443927", time: "31 s" });
});

test("a file tells its size for people", () => {
  expect(ofFile(ENTRY)).toEqual({ size: "1024 × 768", format: "PNG · 1.4 MB", file: "13443927-2.png" });
  expect(ofFile({ ...ENTRY, width: null }).size).toBe("");
  expect([fileSize(10), fileSize(20_400), fileSize(12_000_000)]).toEqual(["1 kB", "20 kB", "12.0 MB"]);
});

test("a picture's name counts, and tells the seed when there is one", () => {
  expect(nameOf(ENTRY, 1, 4)).toBe("Picture 2 of 4, seed 124");
  expect(nameOf({ ...ENTRY, text: {} }, 0, 1, "Open picture")).toBe("Open picture 1 of 1");
});
