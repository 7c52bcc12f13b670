import { describe, expect, test } from "vitest";
import { batchButtonLabel, batchStatusText, captionOf, sharedPrefix, stateOf } from "./batchText";
import { card, row, summary } from "./fakeBatch";
import type { BatchCardTrait, BatchTraits, Row } from "./messages";

const START = 1_000_000;
const many = (count: number, status: Row["status"]): Row[] => Array.from({ length: count }, (_, at) => row(at, status));
const PART = [...many(37, "success"), ...many(2, "error"), ...many(11, "processing")];

/** What is said 95 seconds after the start. */
function words(rows: Row[], changes: Partial<BatchTraits> = {}, cardChanges: Partial<BatchCardTrait> = {}) {
  const all = summary(rows, { started_at: START, _card: card(cardChanges), ...changes });
  const view = { ...all, heard: START + 95, alive: true, wasLive: true, gone: false, kernelStatus: "" };
  return batchStatusText(view, { ...view, now: START + 95 });
}

describe("the card", () => {
  test("running: the kernel's line with the time left, and a bar of what is finished", () => {
    const said = words(PART, { message: "37 of 50 done, 2 failed", done_at: START + 134.5 });
    expect(said).toMatchObject({ chip: "Generating", elapsed: "1:35", actions: ["check", "stop"] });
    expect(said.line).toBe("37 of 50 done, 2 failed · about 40 s left");
    expect(said.bar).toEqual({ value: 39 / 50, label: "Requests finished", frozen: false });
  });

  test("nobody claims to know the time left when it is over or unknown", () => {
    for (const done_at of [null, START + 90]) expect(words(PART, { done_at }).line).not.toContain("left");
  });

  test("trouble takes the line, and the chip tells its kind", () => {
    const trouble = "12 requests are being tried again: the connection was refused";
    expect(words(PART, {}, { activity: "retrying", trouble })).toMatchObject({ chip: "Trying again", line: trouble });
    expect(words(PART, {}, { activity: "rate_limited", trouble }).chip).toBe("Rate limited");
  });

  test("a kernel that is silent past the next check is busy, and offers nothing to press", () => {
    expect(words(PART, { next_poll_at: START + 91 }).chip).toBe("Generating");
    const all = summary(PART, { started_at: START, next_poll_at: START + 91 });
    const view = { ...all, heard: START + 80, alive: true, wasLive: true, gone: false, kernelStatus: "busy" };
    const busy = batchStatusText(view, { ...view, now: START + 95 });
    expect(busy).toMatchObject({ chip: "Kernel busy", actions: [], bar: { value: 39 / 50, frozen: true } });
  });

  test.each([
    ["all done", many(4, "success"), "Done", [], "4 of 4 done · took 31 s"],
    ["some failed", [...many(3, "success"), ...many(2, "error")], "3 done", ["failed"], "3 of 5 done"],
    ["all failed", many(3, "error"), "All failed", ["failed", "edit"], "0 of 3 done"],
  ] as const)("%s: no clock, no bar", (_, rows, chip, actions, line) => {
    const said = words([...rows], { started_at: START, finished_at: START + 31 });
    expect(said).toMatchObject({ chip, actions, line, bar: null, elapsed: "" });
  });

  test("without its kernel it does not claim to generate", () => {
    const view = {
      ...summary(PART, { started_at: START }),
      heard: START,
      alive: true,
      wasLive: true,
      gone: true,
      kernelStatus: "",
    };
    const said = batchStatusText(view, { ...view, now: START + 95 });
    expect(said).toMatchObject({ chip: "Kernel restarted", bar: null, elapsed: "", actions: [] });
    expect(said.line).toBe("Run this cell again to pick up 50 requests");
  });

  test.each([
    ["stopped", "Stopped"],
    ["timed_out", "Still running"],
  ] as const)("%s goes on with Check again", (status, chip) => {
    expect(words(many(2, status), { status })).toMatchObject({ chip, actions: ["resume"], bar: null });
  });

  test("before the start there is Show pictures, or the form alone", () => {
    expect(words(many(2, "idle"), { status: "idle" })).toMatchObject({ chip: "Not started", actions: ["fetch"] });
    expect(words(many(2, "idle"), { status: "idle" }, { form: true })).toMatchObject({ line: "", actions: [] });
  });

  test("an empty batch has nothing to press", () => {
    expect(words([], { status: "idle", message: "" })).toMatchObject({ chip: "Not started", line: "", actions: [] });
  });

  test("a screen reader is told of quarters and of the end, not of each request", () => {
    const rowAt = (done: number): string => words([...many(done, "success"), ...many(8 - done, "processing")]).row;
    expect([0, 1, 2, 3, 4, 6].map(rowAt)).toEqual(["0/4", "0/4", "1/4", "1/4", "2/4", "3/4"]);
    expect(words(PART, { message: "37 of 50 done, 2 failed" }).milestone).toBe("Generating: 37 of 50 done, 2 failed.");
    expect(words(many(2, "success"), { message: "2 of 2 done" }).milestone).toMatch(/^Done: 2 of 2 done/);
  });

  test("what failed stands beside what is done, and is no alarm", () => {
    const said = words([...many(48, "success"), ...many(2, "error")]);
    expect(said).toMatchObject({ chip: "48 done", tone: "good", second: { chip: "2 failed", tone: "wait" } });
    expect(words(many(3, "error")).second).toBeUndefined();
  });

  test("one button is the main one", () => {
    const mixed = summary([row(0, "error"), row(1, "stopped")]);
    expect(batchButtonLabel("failed", mixed)).toEqual(["Retry failed (1)", true]);
    expect(batchButtonLabel("resume", mixed)).toEqual(["Check again", false]);
    expect(batchButtonLabel("resume", summary([row(1, "stopped")]))).toEqual(["Check again", true]);
    expect(batchButtonLabel("stop", mixed)).toEqual(["Stop all", false]);
  });
});

describe("a tile", () => {
  test.each([
    [row(0, "idle"), "Waiting"],
    [row(0, "processing", { started_at: START }), "Generating"],
    [row(0, "processing", { activity: "retrying" }), "Trying again…"],
    [row(0, "processing", { activity: "rate_limited" }), "Rate limited…"],
    [row(0, "downloading", { pictures: row(1).pictures }), "Downloading · 4 of 4"],
    [row(0, "error", { title: "Key refused" }), "Key refused"],
    [row(0, "stopped"), "Stopped"],
    [row(0, "timed_out"), "Still running"],
  ])("%#: says its state in words", (one, said) => expect(stateOf(one)[1]).toBe(said));

  test("without a caption is called by its request", () => {
    expect(captionOf(row(1))).toBe("prompt 1");
    expect(captionOf(row(1, "idle", { caption: "" }))).toBe("Request 13443928");
  });
});

describe("the prefix that all captions share", () => {
  test.each([
    [["a portrait of sks dog, oil", "a portrait of sks dog, ink"], "a portrait of sks dog, ".length],
    [["a portrait of sks dog", "a portrait of sks door"], "a portrait of sks ".length],
    [["a dog", "a door"], 0],
    [["one caption alone, however long"], 0],
    [["the same caption twice", "the same caption twice"], "the same caption ".length],
    [[], 0],
  ])("%j: %d", (captions, length) => expect(sharedPrefix(captions)).toBe(length));
});
