import { afterEach, describe, expect, test } from "vitest";
import batch from "../index";
import { entry, settled } from "../model/fakeModel";
import { card, FakeBatch, message, row, summary } from "./fakeBatch";
import type { BatchTraits, Row } from "./messages";

let end = (): void => undefined;
const root = document.body.appendChild(document.createElement("div"));
afterEach(() => end());

/** A view of these rows, drawn. */
async function view(rows: Row[], changes: Partial<BatchTraits> = {}): Promise<FakeBatch> {
  const model = new FakeBatch(summary(rows, changes));
  end = batch.render({ model, el: root });
  model.deliver(message(rows, true));
  await settled();
  return model;
}

async function press(name: string): Promise<void> {
  const called = (each: Element): string => each.getAttribute("aria-label") ?? each.textContent ?? "";
  const found = [...root.querySelectorAll("button")].find((each) => called(each) === name);
  if (!found) throw new Error(`there is no button "${name}"`);
  found.click();
  await settled();
}

const all = (selector: string): string[] => [...root.querySelectorAll(selector)].map((each) => each.textContent ?? "");
const MIXED = [
  row(0),
  row(1, "error", { title: "Job failed", note: "Given up." }),
  row(2, "stopped"),
  row(3, "processing"),
];

describe("a batch", () => {
  test("shows one tile for each picture and for each request without", async () => {
    await view(MIXED);
    expect(all("li .dreambooth-caption")).toEqual(
      [1, 2, 3, 4].map((at) => `${at}/4 prompt 0`).concat("prompt 1", "prompt 2", "prompt 3"),
    );
    expect(all(".dreambooth-state strong").slice(0, 2)).toEqual(["Job failed", "Stopped"]);
    expect(all(".dreambooth-state p")).toEqual(["Given up.", ""]);
  });

  test("draws rows that come in many messages once", async () => {
    const model = await view([row(0)]);
    let drawings = 0;
    const observer = new MutationObserver(() => {
      drawings += 1;
    });
    observer.observe(root, { childList: true, subtree: true });
    for (let request = 1; request < 11; request++) model.deliver(message([row(request, "error")]));
    await settled();
    observer.disconnect();
    expect(all("li")).toHaveLength(14);
    expect(drawings).toBe(1);
  });

  test("shows those in one state when asked, and all when that state is empty", async () => {
    const model = await view(MIXED);
    expect(all(".dreambooth-filters button")).toEqual(["All 4", "Waiting 1", "Done 1", "Failed 1", "Stopped 1"]);
    await press("Failed 1");
    expect(all("li")).toHaveLength(1);
    const after = MIXED.map((each) => (each.request === 1 ? row(1) : each));
    model.deliver(message([row(1)]));
    model.change(summary(after));
    await settled();
    expect(all("li")).toHaveLength(10);
    expect(all(".dreambooth-filters [aria-pressed=true]")).toEqual(["All 4"]);
  });

  test("asks for the thumbnails of what is drawn, and of nothing else", async () => {
    const model = await view(Array.from({ length: 40 }, (_, request) => row(request)));
    const requested = (): number => model.sent.filter((sent) => sent.type === "get_picture").length;
    const drawn = (): number => all("li:not([aria-hidden])").length;
    await expect.poll(() => [requested() > 0, requested() - drawn()], { timeout: 5000 }).toEqual([true, 0]);
    expect(drawn()).toBeLessThan(160);
    expect(model.sent.find((sent) => sent.type === "get_picture")).toEqual({
      type: "get_picture",
      kind: "thumbnail",
      request: 0,
      index: 0,
      id: "0/0",
    });
  });

  test("selects pictures as pairs, and shows what Python selects", async () => {
    const model = await view([row(0), row(1)], { selected: [[1, 2]] });
    const boxes = [...root.querySelectorAll<HTMLInputElement>("li input")];
    expect(boxes.map((box) => box.checked).indexOf(true)).toBe(6);
    boxes[1]?.click();
    expect(model.get("selected")).toEqual([
      [0, 1],
      [1, 2],
    ]);
    await settled();
    await press("Select all");
    expect(model.get("selected")).toHaveLength(8);
    expect(model.saves).toBe(2);
  });

  test("names each control by its request, so that no two are alike", async () => {
    await view([row(0, "success", { pictures: [entry(0, { text: { seed: "7" } })] }), row(1, "error")]);
    await press("Open picture 1 of 1, seed 7, prompt 0");
    expect(document.querySelector("dialog")?.getAttribute("aria-label")).toBe("Pictures of 2 requests");
    expect(all(".dreambooth-state button")).toEqual(["Check again"]);
  });

  test("keeps every key out of the notebook", async () => {
    await view(MIXED, { _card: card({ form: true }) });
    const focusable = [...root.querySelectorAll("button, input, summary, a, [tabindex]")];
    expect(focusable.length).toBeGreaterThan(20);
    for (const each of focusable) expect(each.getAttribute("data-lm-suppress-shortcuts")).toBe("true");
  });

  test("leaves nothing behind when its view goes", async () => {
    const model = await view(MIXED);
    end();
    expect(model.listeners).toBe(0);
    expect(root.children).toHaveLength(0);
  });
});

describe("intents", () => {
  const lost = row(5, "success", { pictures: [entry(0), entry(1, { status: "missing", id: "", reason: "403" })] });
  test.each([
    ["Check now", MIXED, { type: "poll_now" }],
    ["Stop all", MIXED, { type: "stop" }],
    ["Check again, prompt 1", MIXED, { type: "again", request: 1 }],
    ["Check again, prompt 2", MIXED, { type: "again", request: 2 }],
    ["Retry failed (1)", MIXED.slice(0, 2), { type: "retry_failed" }],
    ["Retry picture 2, prompt 5", [lost], { type: "retry", request: 5, index: 1 }],
  ])("%s", async (name, rows, intent) => {
    const model = await view(rows);
    await press(name);
    expect(model.sent.filter((sent) => sent.type !== "get_picture").slice(1)).toEqual([intent]);
  });

  test("the key alone is asked for, and sent once", async () => {
    const model = await view([row(0, "idle")], { status: "idle", _card: card({ form: true, has_key: false }) });
    const [key, ...more] = [...root.querySelectorAll<HTMLInputElement>("form input")];
    if (!key) throw new Error("there is no field");
    expect(more).toEqual([]);
    key.value = "s3cret-canary";
    await press("Show pictures");
    expect(model.sent.at(-1)).toEqual({ type: "start", key: "s3cret-canary" });
    expect(key.value).toBe("");
  });

  test("a refused key opens the form for another one, Escape leaves it, and a second refusal looks like one", async () => {
    const refused = [row(0, "error", { title: "Key refused" })];
    const model = await view(refused, { finished_at: 5, _card: card({ key_refused: true }) });
    const field = (): HTMLInputElement | null => root.querySelector("form input");
    expect(all(".dreambooth-actions button")).toEqual([]);
    field()?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true, cancelable: true }));
    await settled();
    expect(field()).toBeNull();
    expect(all(".dreambooth-actions button")).toEqual(["Retry failed (1)", "Change key"]);
    model.change(summary(refused, { finished_at: 9, _card: card({ key_refused: true }) }));
    await settled();
    expect(field()).not.toBeNull();
    expect(all("form [role=alert]")).toEqual(["The service refused this key too."]);
  });

  test("pictures of several requests go into one archive", async () => {
    const selected: [number, number][] = [
      [0, 1],
      [1, 0],
    ];
    const model = await view([row(0), row(1)], { selected });
    await press("Download");
    expect(model.sent.find(({ type }) => type === "zip")).toMatchObject({ pictures: selected });
  });
});
