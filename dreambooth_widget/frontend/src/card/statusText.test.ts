import { describe, expect, test } from "vitest";
import { card, entries, entry, traits } from "../model/fakeModel";
import type { Card, Traits } from "../model/messages";
import { clock, kernelBusy, statusText } from "./statusText";

const START = 1_000_000;

/** What is said `after` seconds of a job. */
function words(changes: Partial<Traits>, after = 9, cardChanges: Partial<Card> = {}) {
  const state = traits({ started_at: START, polls: 3, _card: card(cardChanges), ...changes });
  return statusText(state, { now: START + after, heard: START + after });
}

describe("clock", () => {
  test.each([
    [0, "0:00"],
    [9.9, "0:09"],
    [61, "1:01"],
    [3750, "1:02:30"],
    [-3, "0:00"],
  ])("shows %d s as %s", (seconds, text) => expect(clock(seconds)).toBe(text));
});

describe("the states table", () => {
  test("without key or id there is the form and nothing else to press", () => {
    const said = words({ status: "idle", started_at: null, request_id: "" }, 0, { form: true });
    expect(said).toMatchObject({ chip: "Not started", line: "", bar: null, actions: [], elapsed: "" });
  });

  test("idle names the request and offers Fetch", () => {
    const said = words({ status: "idle", started_at: null });
    expect(said).toMatchObject({ chip: "Not started", line: "request 13443927", actions: ["fetch"] });
  });

  test("an estimate is told as time left, and its bar ends at 95 %", () => {
    const said = words({ status: "processing", eta: 21, next_poll_at: START + 12 });
    expect(said.chip).toBe("Generating");
    expect(said.line).toBe("about 12 s left · 0:09 elapsed · checked 3 times");
    expect(said.bar?.value).toBeCloseTo(9 / 21);
    expect(said.actions).toEqual(["check", "stop"]);
    const nearly = words({ status: "processing", eta: 21, next_poll_at: START + 25 }, 20.9);
    expect(nearly.bar?.value).toBe(0.95);
    expect(nearly.line).not.toMatch(/%/);
  });

  test("past the estimate nobody claims to know", () => {
    const said = words({ status: "processing", eta: 30, next_poll_at: START + 45 }, 42);
    expect(said.line).toBe("taking longer than the estimate (0:42 of 0:30)");
    expect(said.bar?.value).toBeNull();
  });

  test("without an estimate the next check is what is known", () => {
    const said = words({ status: "processing", next_poll_at: START + 12 });
    expect(said.line).toBe("0:09 elapsed · next check in 3 s");
    expect(said.bar?.value).toBeNull();
    expect(words({ status: "processing" }).line).toBe("0:09 elapsed · checking now");
    expect(words({ status: "processing", next_poll_at: START + 8 }).line).toBe("0:09 elapsed · checking now");
  });

  test("trying again says which attempt, when and why", () => {
    const message = "attempt 2 of 6 in 7 s: the service answered 503";
    const said = words({ status: "processing", message, next_poll_at: START + 13 }, 9, { activity: "retrying" });
    expect(said.chip).toBe("Trying again");
    expect(said.line).toBe("attempt 2 of 6 in 4 s: the service answered 503");
    const plain = { status: "processing", message: "no connection", next_poll_at: START + 13 } as const;
    expect(words(plain, 9, { activity: "retrying" }).line).toBe("again in 4 s: no connection");
  });

  test("a wait that the service asked for has a measured bar", () => {
    const said = words({ status: "processing", next_poll_at: START + 36 }, 21, {
      activity: "rate_limited",
      waiting_since: START + 6,
    });
    expect(said.chip).toBe("Asked to wait");
    expect(said.line).toBe("the service asks to wait 30 s · 15 s left");
    expect(said.bar?.value).toBe(0.5);
  });

  test("a silent kernel is busy: the bar is frozen and nothing can be pressed", () => {
    const state = traits({ status: "processing", started_at: START, next_poll_at: START + 10 });
    const said = statusText(state, { now: START + 14, heard: START + 5 });
    expect(said).toMatchObject({ chip: "Kernel busy", actions: [] });
    expect(said.line).toBe("a running cell holds the kernel; checking goes on after it");
    expect(said.bar?.frozen).toBe(true);
  });

  test("downloading counts pictures, the missing ones too", () => {
    const pictures = [entry(0), entry(1, { status: "missing" }), ...[2, 3].map((i) => entry(i, { status: "waiting" }))];
    const said = words({ status: "downloading", pictures });
    expect(said).toMatchObject({ chip: "Downloading", line: "2 of 4 pictures", actions: ["stop"], elapsed: "0:09" });
    expect(said.bar?.value).toBe(0.5);
  });

  test("success tells count, time and seed, and removes every running control", () => {
    const pictures = entries(4);
    const done = { status: "success", pictures, finished_at: START + 31 } as const;
    expect(words(done, 99, { meta: { seed: "123" } })).toMatchObject({
      chip: "Done",
      line: "4 pictures · 0:31 · seed 123",
      bar: null,
      actions: [],
    });
    expect(words({ ...done, pictures: [entry(0, { text: { seed: "7" } })] }).line).toBe("1 picture · 0:31 · seed 7");
  });

  test("success with a missing picture counts it", () => {
    const pictures = [...entries(3), entry(3, { status: "missing", reason: "403" })];
    const said = words({ status: "success", pictures, finished_at: START + 31 });
    expect(said.line).toBe("3 of 4 pictures, 1 could not be loaded");
  });

  test("an error says what happened and what to do, under its own two words", () => {
    const error = {
      kind: "InvalidKeyError",
      remedy: "key" as const,
      title: "Key refused",
      message: "Refused.",
      advice: "Check it.",
      details: "",
    };
    const said = words({ status: "error", finished_at: START + 2 }, 5, { error });
    expect(said).toMatchObject({ chip: "Key refused", line: "Refused. Check it.", actions: ["again", "edit"] });
    const failed = { ...error, kind: "GenerationFailedError", remedy: "prompt" as const, title: "Job failed" };
    expect(words({ status: "error" }, 5, { error: failed }).actions).toEqual(["again"]);
  });

  test("stopping and running out of time are no failures: both can go on", () => {
    const stopped = words({ status: "stopped", finished_at: START + 9 });
    expect(stopped).toMatchObject({
      chip: "Stopped waiting",
      line: "the job goes on at the service",
      actions: ["resume"],
    });
    const late = words({ status: "timed_out", finished_at: START + 600 }, 700);
    expect(late).toMatchObject({ chip: "Still processing", actions: ["resume"] });
    expect(late.line).toBe("no result after 10:00; checking again resumes");
  });

  test("nothing is called Cancel", () => {
    for (const status of ["idle", "processing", "downloading", "success", "error", "stopped", "timed_out"] as const) {
      expect(JSON.stringify(words({ status }))).not.toMatch(/cancel/i);
    }
  });
});

describe("kernelBusy", () => {
  const waiting = traits({ status: "processing", next_poll_at: START });

  test.each([
    ["3 s past the next check", START + 2.9, START - 5, false],
    ["after that", START + 3.1, START - 5, true],
    ["not when something was heard since", START + 5, START + 4, false],
  ])("%s", (_, now, heard, busy) => expect(kernelBusy(waiting, { now, heard })).toBe(busy));

  test("while a call is under way it takes a minute of silence", () => {
    const calling = traits({ status: "processing", next_poll_at: null });
    expect(kernelBusy(calling, { now: START + 59, heard: START })).toBe(false);
    expect(kernelBusy(calling, { now: START + 61, heard: START })).toBe(true);
  });

  test("a job that is over waits for nobody", () => {
    expect(kernelBusy(traits({ status: "success", next_poll_at: START }), { now: START + 999, heard: START })).toBe(
      false,
    );
  });
});
