import { describe, expect, test } from "vitest";
import { card, entries, entry, traits } from "../model/fakeModel";
import type { Card, Traits } from "../model/messages";
import { clock, duration, kernelState, seedsOf, statusText, timeLeft } from "./statusText";

const START = 1_000_000;
const LIVE = { kernelStatus: "", gone: false };

/** What is said `after` seconds of a job. */
function words(changes: Partial<Traits>, after = 9, cardChanges: Partial<Card> = {}) {
  const state = traits({ started_at: START, polls: 3, _card: card(cardChanges), ...changes });
  return statusText(state, { ...LIVE, now: START + after, heard: START + after });
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

  test("idle names the request and offers Show pictures", () => {
    const said = words({ status: "idle", started_at: null });
    expect(said).toMatchObject({ chip: "Not started", line: "Ready to check request 13443927", actions: ["fetch"] });
  });

  test("an estimate is told as time left, and its bar ends at 95 %", () => {
    const said = words({ status: "processing", eta: 21, next_poll_at: START + 12 });
    expect(said.chip).toBe("Generating");
    expect(said.line).toBe("About 12 s left");
    expect(said.elapsed).toBe("0:09");
    expect(said.bar?.value).toBeCloseTo(9 / 21);
    expect(said.actions).toEqual(["check", "stop"]);
    const nearly = words({ status: "processing", eta: 21, next_poll_at: START + 25 }, 20.9);
    expect(nearly.bar?.value).toBe(0.95);
    expect(nearly.line).not.toMatch(/%/);
  });

  test("past the estimate nobody claims to know", () => {
    const said = words({ status: "processing", eta: 30, next_poll_at: START + 45 }, 42);
    expect(said.line).toBe("Taking longer than estimated · 0:42");
    expect(said.bar?.value).toBeNull();
  });

  test("without an estimate the next check is what is known", () => {
    const said = words({ status: "processing", next_poll_at: START + 12 });
    expect(said.line).toBe("0:09 · next check in 3 s");
    expect(said.bar?.value).toBeNull();
    expect(words({ status: "processing" }).line).toBe("0:09 · checking now");
    expect(words({ status: "processing", next_poll_at: START + 8 }).line).toBe("0:09 · checking now");
  });

  test("trying again says why and when", () => {
    const message = "Service unavailable (503)";
    const said = words({ status: "processing", message, next_poll_at: START + 13 }, 9, { activity: "retrying" });
    expect(said.chip).toBe("Trying again");
    expect(said.line).toBe("Service unavailable (503) · retrying in 4 s");
  });

  test("a wait that the service asked for has a measured bar", () => {
    const said = words({ status: "processing", next_poll_at: START + 36 }, 21, {
      activity: "rate_limited",
      waiting_since: START + 6,
    });
    expect(said.chip).toBe("Rate limited");
    expect(said.line).toBe("Checking again in 15 s");
    expect(said.bar?.value).toBe(0.5);
  });

  test("a silent kernel is busy: the bar is frozen and nothing can be pressed", () => {
    const state = traits({ status: "processing", started_at: START, next_poll_at: START + 10 });
    const said = statusText(state, { ...LIVE, now: START + 14, heard: START + 5 });
    expect(said).toMatchObject({ chip: "Kernel busy", actions: [] });
    expect(said.line).toBe("Waiting for the running cell to finish");
    expect(said.bar?.frozen).toBe(true);
  });

  test("downloading counts the pictures that are there", () => {
    const pictures = [entry(0), entry(1, { status: "missing" }), ...[2, 3].map((i) => entry(i, { status: "waiting" }))];
    const said = words({ status: "downloading", pictures });
    expect(said).toMatchObject({ chip: "Downloading", line: "1 of 4 pictures", actions: ["stop"], elapsed: "0:09" });
    expect(said.bar?.value).toBe(0.25);
  });

  test("success tells count, time and seed, and removes every running control", () => {
    const pictures = entries(4);
    const done = { status: "success", pictures, finished_at: START + 31 } as const;
    expect(words(done, 99, { meta: { seed: "123" } })).toMatchObject({
      chip: "Done",
      line: "4 pictures · took 31 s · seed 123",
      bar: null,
      actions: [],
    });
    expect(words({ ...done, pictures: [entry(0, { text: { seed: "7" } })] }).line).toBe(
      "1 picture · took 31 s · seed 7",
    );
  });

  test("success with a missing picture counts it", () => {
    const pictures = [...entries(3), entry(3, { status: "missing", reason: "403" })];
    const said = words({ status: "success", pictures, finished_at: START + 31 });
    expect(said.line).toBe("3 of 4 pictures · 1 could not be loaded");
    const retried = [...entries(3), entry(3, { status: "waiting", reason: "trying again" })];
    expect(words({ status: "success", pictures: retried, finished_at: START + 31 }).line).toBe("3 of 4 pictures");
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
    expect(said).toMatchObject({
      chip: "Key refused",
      line: "Refused. Check it.",
      elapsed: "",
      actions: ["resume", "edit"],
    });
    const failed = { ...error, kind: "GenerationFailedError", remedy: "prompt" as const, title: "Job failed" };
    expect(words({ status: "error" }, 5, { error: failed }).actions).toEqual(["resume"]);
    expect(words({ status: "error" }, 5, { error: failed, meta: { prompt: "an owl" } }).actions).toEqual(["copy"]);
  });

  test("stopping and running out of time are no failures: both can go on", () => {
    const stopped = words({ status: "stopped", finished_at: START + 9 });
    expect(stopped).toMatchObject({
      chip: "Stopped waiting",
      line: "The job keeps running on the service",
      actions: ["resume"],
    });
    const late = words({ status: "timed_out", finished_at: START + 600 }, 700);
    expect(late).toMatchObject({ chip: "Still running", actions: ["resume"] });
    expect(late.line).toBe("Not ready after 10:00. Check again to keep waiting.");
  });

  test("nothing is called Cancel", () => {
    for (const status of ["idle", "processing", "downloading", "success", "error", "stopped", "timed_out"] as const) {
      expect(JSON.stringify(words({ status }))).not.toMatch(/cancel/i);
    }
  });
});

describe("kernelState", () => {
  const waiting = traits({ status: "processing", next_poll_at: START });

  test.each([
    ["live until 3 s past the next check", START + 2.9, START - 5, "", "live"],
    ["busy after that", START + 3.1, START - 5, "", "busy"],
    ["live when something was heard since", START + 5, START + 4, "", "live"],
    ["busy as long as the host says so", START + 999, START - 5, "busy", "busy"],
    ["silent after a while where the host says nothing", START + 40, START - 5, "", "silent"],
  ])("%s", (_, now, heard, kernelStatus, state) => {
    expect(kernelState(waiting, { now, heard, kernelStatus, gone: false })).toBe(state);
  });

  test("a closed comm is a kernel that is gone, whatever the job does", () => {
    for (const status of ["idle", "processing", "success"] as const) {
      const moment = { now: START, heard: START, kernelStatus: "", gone: true };
      expect(kernelState({ status, next_poll_at: null }, moment)).toBe("gone");
    }
  });

  test("while a call is under way it takes a minute of silence", () => {
    const calling = traits({ status: "processing", next_poll_at: null });
    expect(kernelState(calling, { ...LIVE, now: START + 59, heard: START })).toBe("live");
    expect(kernelState(calling, { ...LIVE, now: START + 61, heard: START })).toBe("busy");
  });

  test("a job that is over waits for nothing", () => {
    const over = traits({ status: "success", next_poll_at: START });
    expect(kernelState(over, { ...LIVE, now: START + 999, heard: START })).toBe("live");
  });

  test("a restarted kernel is told apart from a busy one", () => {
    const state = traits({ status: "processing", started_at: START, next_poll_at: START + 10 });
    const said = statusText(state, { ...LIVE, gone: true, now: START + 14, heard: START + 5 });
    expect(said).toMatchObject({ chip: "Kernel restarted", bar: null, actions: [] });
    expect(said.line).toBe("Run this cell again to pick up request 13443927");
  });

  test("a saved page, which never had a kernel, says that there is no kernel", () => {
    const state = traits({ status: "processing", started_at: START, next_poll_at: START + 10 });
    const said = statusText(state, { ...LIVE, gone: true, wasLive: false, now: START + 14, heard: START + 5 });
    expect(said).toMatchObject({ chip: "No kernel", bar: null, actions: [] });
    expect(said.milestone).toMatch(/^No kernel: Run this cell again/);
    const dead = { ...LIVE, gone: true, wasLive: true, kernelStatus: "dead", now: START + 14, heard: START + 5 };
    expect(statusText(state, dead).chip).toBe("No kernel");
  });
});

describe("numbers as people write them", () => {
  test.each([
    [27, "27 s"],
    [59.2, "1 min"],
    [60, "1 min"],
    [200, "3 min"],
  ])("%d s are left: %s", (left, text) => expect(timeLeft(left)).toBe(text));

  test.each([
    [46, "46 s"],
    [60, "1 min"],
    [125, "2 min 5 s"],
    [3720, "1 h 2 min"],
  ])("%d s took %s", (took, text) => expect(duration(took)).toBe(text));

  test.each([
    [["5", "6", "7", "8"], "seeds 5–8"],
    [["5", "5"], "seed 5"],
    [["9", "3"], "seeds 9, 3"],
    [["1", "9", "4", "3", "2"], ""],
    [[], ""],
  ])("%j are %s", (seeds, text) => {
    const pictures = seeds.map((seed, index) => entry(index, { text: { seed } }));
    expect(seedsOf({ pictures, _card: card() })).toBe(text);
  });
});
