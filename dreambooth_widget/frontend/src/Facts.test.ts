import { expect, test } from "vitest";
import { factsOf } from "./Facts";
import { card, traits } from "./testing";

test("the prompt and the seed come first, what is empty not at all, and the time last", () => {
  const meta = { W: "512", seed: "7", negative_prompt: "", prompt: "dusk" };
  const state = traits({ started_at: 100, finished_at: 131, _card: card({ meta }) });
  expect(factsOf({ ...state, heard: 0, alive: true })).toEqual([
    ["Request", "13443927"],
    ["Prompt", "dusk"],
    ["Seed", "7"],
    ["W", "512"],
    ["Time", "0:31"],
  ]);
});
