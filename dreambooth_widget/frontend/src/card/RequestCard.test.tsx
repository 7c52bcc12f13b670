import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import widget from "../index";
import { bytes, card, entries, entry, FakeModel, settled } from "../model/fakeModel";
import type { Failure, Traits } from "../model/messages";

let el: HTMLElement;
let life: AbortController;

beforeEach(() => {
  life = new AbortController();
  el = document.body.appendChild(document.createElement("div"));
  let count = 0;
  vi.spyOn(URL, "createObjectURL").mockImplementation(() => `blob:${count++}`);
  vi.stubGlobal(
    "Image",
    class {
      src = "";
      set onload(told: () => void) {
        queueMicrotask(told);
      }
    },
  );
});
afterEach(() => {
  life.abort();
  el.remove();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function mount(changes: Partial<Traits> = {}) {
  const model = new FakeModel(changes);
  const cleanUp = widget.render({ model, el, signal: life.signal });
  return { model, cleanUp };
}

const button = (name: string): HTMLElement => {
  const found = [...el.querySelectorAll<HTMLElement>("button")].find(
    (each) => (each.getAttribute("aria-label") ?? each.textContent) === name,
  );
  if (!found) throw new Error(`there is no button "${name}"`);
  return found;
};
const text = (selector: string): string => el.querySelector(selector)?.textContent ?? "";
const press = (target: Element, key: string, more: KeyboardEventInit = {}): boolean =>
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
/** Width and height of a tile. */
const sizeOf = (selector: string): string[] => {
  const style = el.querySelector<HTMLElement>(selector)?.style;
  return [style?.inlineSize ?? "", style?.getPropertyValue("--db-height") ?? ""];
};
const tiles = (): HTMLElement[] => [...el.querySelectorAll<HTMLElement>(".dreambooth-open")];
const thumbnail = (model: FakeModel, index: number): void =>
  model.deliver(
    {
      type: "picture",
      kind: "thumbnail",
      id: `digest${index}`,
      mime: "image/webp",
      name: "",
      part: 0,
      parts: 1,
    },
    bytes(5),
  );
const done = (count: number): Partial<Traits> => ({
  status: "success",
  started_at: 100,
  finished_at: 131,
  pictures: entries(count),
});

describe("a view", () => {
  test("says ready, once, when it appears", () => {
    const { model } = mount();
    expect(model.sent).toEqual([{ type: "ready", have: [] }]);
  });

  test.each(["signal", "returned function"])("leaves nothing behind when it goes by the %s", async (way) => {
    const { model, cleanUp } = mount(done(2));
    thumbnail(model, 0);
    await settled();
    const revoke = vi.spyOn(URL, "revokeObjectURL");
    if (way === "signal") life.abort();
    else cleanUp();
    expect(model.listeners).toBe(0);
    expect(el.children).toHaveLength(0);
    expect(revoke).toHaveBeenCalledWith("blob:1"); // the first was the probe's
  });

  test("is one of several that do not disturb each other", async () => {
    const { model } = mount({ status: "processing" });
    const other = document.body.appendChild(document.createElement("div"));
    const close = widget.render({ model, el: other });
    close();
    model.change({ status: "stopped" });
    await settled();
    expect(text(".dreambooth-chip")).toBe("Stopped waiting");
    expect(other.children).toHaveLength(0);
    other.remove();
  });

  test("that cannot be drawn says so and breaks nothing else", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    mount({ pictures: [null as never] });
    await settled();
    expect(text("[role=alert]")).toContain("could not be drawn");
    expect(button("Draw again")).toBeDefined();
  });

  test("shows markup of the service as text", async () => {
    const evil = "<img src=x onerror=alert(1)>";
    const error = { kind: "E", remedy: "check" as const, title: evil, message: evil, advice: evil, details: evil };
    const { model } = mount({ status: "error", request_id: evil, _card: card({ error, meta: { prompt: evil } }) });
    await settled();
    expect(el.querySelector("img")).toBeNull();
    expect(text("pre")).toBe(evil);
    model.change({ ...done(1), pictures: [entry(0, { status: "missing", reason: evil })] });
    await settled();
    button("Details").click();
    await settled();
    expect(el.querySelector("img")).toBeNull();
    expect(text("dl")).toContain(evil);
  });

  test("marks every focusable element so that its keys stay out of the notebook", async () => {
    const { model } = mount({ ...done(3), _card: card({ form: true }) });
    thumbnail(model, 0);
    await settled();
    const focusable = el.querySelectorAll("button, input, summary, a, [tabindex]");
    expect(focusable.length).toBeGreaterThan(12);
    for (const each of focusable) expect(each.getAttribute("data-lm-suppress-shortcuts")).toBe("true");
  });
});

describe("intents", () => {
  test.each([
    ["idle", "Show pictures", { type: "start" }],
    ["processing", "Check now", { type: "poll_now" }],
    ["processing", "Stop waiting", { type: "stop" }],
    ["downloading", "Stop", { type: "stop" }],
    ["error", "Check again", { type: "poll_now" }],
    ["stopped", "Check again", { type: "poll_now" }],
  ] as const)("%s: %s", (status, name, message) => {
    const { model } = mount({ status });
    button(name).click();
    expect(model.sent.at(-1)).toEqual(message);
  });

  test("a missing picture is retried by its index", () => {
    const { model } = mount({ ...done(2), pictures: [entry(0), entry(1, { status: "missing", reason: "403" })] });
    expect(text(".dreambooth-tile p")).toBe("403");
    button("Retry picture 2").click();
    expect(model.sent.at(-1)).toEqual({ type: "retry", index: 1 });
  });

  test("the focus stays in the card when the button that was pressed goes", async () => {
    const { model } = mount({ status: "processing" });
    await settled();
    button("Stop waiting").focus();
    model.change({ status: "stopped" });
    await settled();
    expect(document.activeElement?.textContent).toBe("Check again");
  });
});

describe("the form", () => {
  const fields = (): HTMLInputElement[] => [...el.querySelectorAll<HTMLInputElement>("form input")];
  const blank = (): ReturnType<typeof mount> => mount({ request_id: "", _card: card({ form: true, has_key: false }) });

  test("sends the key once and empties itself", () => {
    const { model } = blank();
    const [key, id] = fields() as [HTMLInputElement, HTMLInputElement];
    expect(key.type).toBe("password");
    [key.value, id.value] = ["s3cret-canary", " 77 "];
    button("Show pictures").click();
    expect(model.sent.at(-1)).toEqual({ type: "start", key: "s3cret-canary", request_id: "77" });
    expect(key.value).toBe("");
    expect(el.innerHTML).not.toContain("s3cret-canary");
    expect(model.sent.filter((message) => JSON.stringify(message).includes("canary"))).toHaveLength(1);
  });

  test("Enter sends it too", () => {
    const { model } = blank();
    const [key, id] = fields() as [HTMLInputElement, HTMLInputElement];
    [key.value, id.value] = ["s3cret-canary", "77"];
    press(id, "Enter");
    expect(model.sent.at(-1)).toMatchObject({ type: "start", request_id: "77" });
  });

  test("says what is missing and sends nothing", async () => {
    const { model } = blank();
    button("Show pictures").click();
    await settled();
    expect(text("[role=alert]")).toBe("The API key is missing.");
    expect(model.sent).toHaveLength(1);
  });

  test("shows why the kernel refused it", async () => {
    const { model } = blank();
    model.deliver({ type: "error", reason: "request_id is empty" });
    await settled();
    expect(text("[role=alert]")).toBe("request_id is empty");
  });

  const refused = (changes: Partial<Failure> = {}): Failure => ({
    kind: "InvalidKeyError",
    remedy: "key",
    title: "Key refused",
    message: "No.",
    advice: "",
    details: "",
    ...changes,
  });

  test("stands open after a refused key, its field focused, and Escape leaves it", async () => {
    vi.spyOn(document, "hasFocus").mockReturnValue(true);
    const { model } = mount({ status: "error", finished_at: 5, _card: card({ error: refused() }) });
    await settled();
    const [key, ...others] = fields() as [HTMLInputElement];
    expect(others).toEqual([]);
    expect(document.activeElement).toBe(key);
    key.value = "another-key";
    button("Show pictures").click();
    await settled();
    expect(model.sent.at(-1)).toEqual({ type: "start", key: "another-key" });
    press(key, "Escape");
    await settled();
    expect(el.querySelector("form")).toBeNull();
    expect(button("Check again")).toBeDefined();
  });

  test("says so when a second key is refused as well", async () => {
    const { model } = mount({ status: "error", finished_at: 5, _card: card({ error: refused() }) });
    model.change({ status: "processing", finished_at: null, _card: card() });
    await settled();
    expect(el.querySelector("form")).toBeNull();
    model.change({ status: "error", finished_at: 9, _card: card({ error: refused() }) });
    await settled();
    expect(text("[role=alert]")).toBe("Refused again. No.");
    expect(fields()).toHaveLength(1);
  });

  test("does not take the focus from someone who types elsewhere", async () => {
    vi.spyOn(document, "hasFocus").mockReturnValue(true);
    const elsewhere = document.body.appendChild(document.createElement("textarea"));
    elsewhere.focus();
    mount({ status: "error", _card: card({ error: refused() }) });
    await settled();
    expect(fields()).toHaveLength(1);
    expect(document.activeElement).toBe(elsewhere);
    elsewhere.remove();
  });

  test("comes back behind Change key or id, with the id filled in", async () => {
    const { model } = mount({ status: "error", _card: card({ error: refused({ remedy: "edit" }) }) });
    expect(el.querySelector("form")).toBeNull();
    button("Change key or id").click();
    await settled();
    const [key, id] = fields() as [HTMLInputElement, HTMLInputElement];
    expect(id.value).toBe("13443927");
    key.value = "another-key";
    button("Show pictures").click();
    await settled();
    expect(model.sent.at(-1)).toEqual({ type: "start", key: "another-key", request_id: "13443927" });
    expect(el.querySelector("form")).toBeNull();
  });
});

describe("without its kernel", () => {
  const waiting = entries(4).map((each) => ({ ...each, status: "waiting" as const }));

  test("says that it was restarted, with no grey tiles and nothing to press", async () => {
    const { model } = mount({ status: "processing", started_at: 1, pictures: waiting });
    model.change({ polls: 2 });
    el.classList.add("jupyter-widgets-disconnected");
    await settled();
    expect(text(".dreambooth-chip")).toBe("Kernel restarted");
    expect(text(".dreambooth-line")).toBe("Run this cell again to pick up request 13443927");
    expect(el.querySelectorAll(".dreambooth-tile, .dreambooth-actions button, progress")).toHaveLength(0);
  });

  test("has nothing to press that needs it, and what came of the job stays", async () => {
    const { model } = mount({
      ...done(2),
      pictures: [entry(0), entry(1, { status: "missing", reason: "gone (404)" })],
    });
    el.classList.add("jupyter-widgets-disconnected");
    await settled();
    expect(text('[data-status="missing"]')).toBe("Gone (404)");
    const error = {
      kind: "E",
      remedy: "prompt" as const,
      title: "Job failed",
      message: "No.",
      advice: "",
      details: "",
    };
    model.change({ status: "error", pictures: [], _card: card({ error, meta: { prompt: "a dog" } }) });
    await settled();
    expect(text(".dreambooth-chip")).toBe("Job failed");
    expect([...el.querySelectorAll(".dreambooth-actions button")].map((each) => each.textContent)).toEqual([
      "Copy prompt",
    ]);
  });

  test("says by an attribute whether it lives, for the styles of the static copy", async () => {
    const { model } = mount(done(1));
    expect(el.querySelector("section")?.hasAttribute("data-alive")).toBe(true);
    model.change({ polls: 2 });
    el.classList.add("jupyter-widgets-disconnected");
    await settled();
    expect(el.querySelector("section")?.hasAttribute("data-alive")).toBe(false);
  });

  test("keeps what it has: pictures are downloaded as previews", async () => {
    const { model } = mount(done(1));
    thumbnail(model, 0);
    await settled();
    el.classList.add("jupyter-widgets-disconnected");
    await settled();
    expect(text(".dreambooth-chip")).toBe("Done");
    let saved = "";
    vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
      saved = this.download;
    });
    button("Download").click();
    await settled();
    expect(saved).toBe("13443927-1.webp");
    expect(model.sent.filter(({ type }) => type === "get_picture")).toEqual([]);
  });

  test.each(["error", "stopped", "timed_out"] as const)("grey tiles go with the job: %s", (status) => {
    mount({ status, pictures: [entry(0), ...waiting.slice(1)] });
    expect(el.querySelectorAll(".dreambooth-tile")).toHaveLength(1);
  });
});

describe("the end of a job", () => {
  test("is Done when its pictures are to be seen, or five seconds later", async () => {
    vi.useFakeTimers();
    const loaded = vi.spyOn(HTMLImageElement.prototype, "naturalWidth", "get").mockReturnValue(0);
    vi.spyOn(HTMLImageElement.prototype, "complete", "get").mockReturnValue(true);
    const { model } = mount({ ...done(1), status: "downloading" });
    thumbnail(model, 0);
    model.change({ status: "success" });
    await vi.advanceTimersByTimeAsync(500);
    expect([text(".dreambooth-chip"), text(".dreambooth-line")]).toEqual(["Downloading", "1 of 1 picture"]);
    loaded.mockReturnValue(384);
    await vi.advanceTimersByTimeAsync(50);
    expect(text(".dreambooth-chip")).toBe("Done");

    model.change({ status: "processing" });
    await vi.advanceTimersByTimeAsync(50);
    loaded.mockReturnValue(0);
    model.change({ status: "success" });
    await vi.advanceTimersByTimeAsync(4500);
    expect(text(".dreambooth-chip")).toBe("Downloading");
    await vi.advanceTimersByTimeAsync(600);
    expect(text(".dreambooth-chip")).toBe("Done");
  });

  test("is Done at once when the kernel has gone, and no picture can come any more", async () => {
    vi.useFakeTimers();
    const { model } = mount({ ...done(1), status: "downloading" });
    model.change({ status: "success" });
    await vi.advanceTimersByTimeAsync(500);
    expect(text(".dreambooth-chip")).toBe("Downloading");
    el.classList.add("jupyter-widgets-disconnected");
    await vi.advanceTimersByTimeAsync(50);
    expect(text(".dreambooth-chip")).toBe("Done");
  });
});

describe("a missing picture", () => {
  test("answers a retry visibly, and for a minute", async () => {
    vi.useFakeTimers();
    const drawn = (): Promise<unknown> => vi.advanceTimersByTimeAsync(30);
    const missing = entry(1, { status: "missing", reason: "missing (404)" });
    const { model } = mount({ ...done(2), pictures: [entry(0), missing] });
    const said = (): string => text('[data-status="missing"] p');
    expect(said()).toBe("Missing (404)");
    button("Retry picture 2").click();
    await drawn();
    expect(said()).toBe("Trying again…");
    model.change({ pictures: [entry(0), { ...missing, status: "waiting", reason: "trying again" }] });
    await drawn();
    model.change({ pictures: [entry(0), missing] });
    await drawn();
    expect(said()).toBe("Still missing (404) · just now");
    await vi.advanceTimersByTimeAsync(61_000);
    expect(said()).toBe("Missing (404)");
  });

  test("that is late says what it waits for", async () => {
    vi.useFakeTimers();
    const reason = "missing (404); attempt 2 of 6 in 8 s";
    mount({ status: "downloading", pictures: [entry(0, { status: "waiting", reason })] });
    expect(text(".dreambooth-late")).toBe("Not there yet (404) · next try in 8\u00a0s");
    await vi.advanceTimersByTimeAsync(3100);
    expect(text(".dreambooth-late")).toBe("Not there yet (404) · next try in 5\u00a0s");
    await vi.advanceTimersByTimeAsync(6000);
    expect(text(".dreambooth-late")).toBe("Not there yet (404) · trying again");
  });
});

describe("the grid", () => {
  test("placeholders stand where pictures will be, in their shape", () => {
    mount({
      status: "processing",
      pictures: entries(4).map((each) => ({ ...each, status: "waiting", width: 640, height: 960 })),
    });
    expect(el.querySelectorAll('[data-status="waiting"]')).toHaveLength(4);
    expect(sizeOf("li")).toEqual(["154px", "231px"]);
  });

  test("places stand for as many pictures as the last job had, until the service names its own", async () => {
    const expected = { count: 4, width: 640, height: 960 };
    const { model } = mount({ status: "processing", _card: card({ expected }) });
    expect(el.querySelectorAll('[data-status="waiting"]')).toHaveLength(4);
    expect(sizeOf("li")).toEqual(["154px", "231px"]);
    const named = { status: "waiting", width: null, height: null } as const;
    model.change({ status: "downloading", pictures: entries(4).map((each) => ({ ...each, ...named })) });
    await settled();
    expect(sizeOf("li")).toEqual(["154px", "231px"]);
    model.change({ status: "downloading", pictures: entries(2).map((each) => ({ ...each, status: "waiting" })) });
    await settled();
    expect(sizeOf("li")).toEqual(["316px", "316px"]);
    model.change({ status: "stopped", pictures: [] });
    await settled();
    expect(el.querySelectorAll("li")).toHaveLength(0);
  });

  test("a tile is named for those who do not see it", () => {
    mount({ ...done(2), pictures: [entry(0), entry(1, { text: { seed: "123" } })] });
    expect(button("Open picture 2 of 2, seed 123")).toBeDefined();
  });

  test("a thumbnail that comes is shown in its tile", async () => {
    const { model } = mount(done(2));
    thumbnail(model, 1);
    await settled();
    expect(tiles()[1]?.querySelector("img")?.src).toBe("blob:1");
    expect(tiles()[0]?.querySelector("img")).toBeNull();
  });

  test("one tile is in the Tab order, and the arrows move on", async () => {
    mount(done(4));
    const order = (): number[] => tiles().map((tile) => tile.tabIndex);
    expect(order()).toEqual([0, -1, -1, -1]);
    tiles()[0]?.focus();
    press(tiles()[0] as Element, "End");
    await settled();
    expect(order()).toEqual([-1, -1, -1, 0]);
    expect(document.activeElement).toBe(tiles()[3]);
    press(tiles()[3] as Element, "ArrowLeft");
    expect(document.activeElement).toBe(tiles()[2]);
  });

  test("Space selects, Ctrl+A selects all, Escape clears, all through the trait", async () => {
    const { model } = mount(done(3));
    const tile = tiles()[1] as Element;
    press(tile, " ");
    expect(model.get("selected")).toEqual([1]);
    await settled();
    press(tile, "a", { ctrlKey: true });
    expect(model.get("selected")).toEqual([0, 1, 2]);
    await settled();
    press(tile, "Escape");
    expect(model.get("selected")).toEqual([]);
  });

  test("what Python selects is checked in the view", async () => {
    const { model } = mount(done(3));
    model.change({ selected: [2] });
    await settled();
    expect([...el.querySelectorAll<HTMLInputElement>("li input")].map((box) => box.checked)).toEqual([
      false,
      false,
      true,
    ]);
  });

  test("no key leaves the card, except with Ctrl or Cmd", () => {
    mount(done(2));
    const heard: string[] = [];
    const listen = (event: Event): void => void heard.push((event as KeyboardEvent).key);
    document.addEventListener("keydown", listen);
    for (const key of ["a", "b", "x", "j", "Enter", "ArrowDown"]) press(tiles()[0] as Element, key);
    press(tiles()[0] as Element, "s", { ctrlKey: true });
    document.removeEventListener("keydown", listen);
    expect(heard).toEqual(["s"]);
  });

  test("the first screen is drawn first, what lies below it when that has its pictures", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { model } = mount(done(130));
    await vi.advanceTimersByTimeAsync(500);
    expect(tiles()).toHaveLength(24);
    for (let index = 0; index < 24; index++) thumbnail(model, index);
    await vi.advanceTimersByTimeAsync(200);
    expect(tiles().length).toBeGreaterThan(30);
  });

  test("what lies below it does not wait for pictures that never come", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    mount(done(130));
    await vi.advanceTimersByTimeAsync(1100);
    expect(tiles().length).toBeGreaterThan(30);
  });

  test("pictures that never come because nobody is there leave no empty gallery", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    mount(done(4));
    await vi.advanceTimersByTimeAsync(6000);
    expect(el.querySelector("ul")).toBeNull();
    expect(text(".dreambooth-note")).toContain("kernel does not answer");
    vi.useRealTimers();
  });
});

describe("the toolbar", () => {
  test("downloads one picture as its original bytes under its own name", async () => {
    const { model } = mount(done(2));
    const clicked: string[] = [];
    vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
      clicked.push(this.download);
    });
    button("Download picture 2").click();
    expect(model.sent.at(-1)).toEqual({ type: "get_picture", kind: "original", index: 1, id: "digest1" });
    model.deliver(
      { type: "picture", kind: "original", id: "digest1", mime: "image/png", name: "", part: 0, parts: 1 },
      bytes(5),
    );
    await settled();
    expect(clicked).toEqual(["13443927-2.png"]);
  });

  test("downloads the selected ones as an archive, and says why when it cannot", async () => {
    const { model } = mount({ ...done(3), selected: [0, 2] });
    button("Download").click();
    const zip = model.sent.at(-1);
    if (zip?.type !== "zip") throw new Error("no zip was asked for");
    expect(zip.indices).toEqual([0, 2]);
    model.deliver({ type: "unavailable", kind: "zip", id: zip.id, reason: "the disk is full" });
    await settled();
    expect(text(".dreambooth-note")).toBe("Not downloaded: the disk is full.");
  });

  test("selects all, and then none", async () => {
    const { model } = mount(done(3));
    button("Select all").click();
    expect(model.get("selected")).toEqual([0, 1, 2]);
    await settled();
    button("Clear").click();
    expect(model.get("selected")).toEqual([]);
  });

  test("offers to compare exactly two", async () => {
    const { model } = mount(done(3));
    expect(button("Compare").getAttribute("aria-disabled")).toBe("true");
    model.change({ selected: [0, 1] });
    await settled();
    expect(button("Compare").hasAttribute("aria-disabled")).toBe(false);
  });

  test("changes the tiles' size", async () => {
    mount(done(3));
    expect(sizeOf("li")).toEqual(["208px", "208px"]);
    button("Large tiles").click();
    await settled();
    expect(sizeOf("li")).toEqual(["316px", "316px"]);
  });
});

describe("what is said", () => {
  test("a milestone reaches the status region, a second does not", async () => {
    const { model } = mount({ status: "processing", started_at: Date.now() / 1000, eta: 30 });
    await settled();
    const first = text("[role=status]");
    expect(first).toContain("Generating");
    model.change({ polls: 2 });
    await settled();
    expect(text("[role=status]")).toBe(first);
  });

  test("an error is an alert, and the status region stays out of it", async () => {
    const error = {
      kind: "E",
      remedy: "check" as const,
      title: "Job failed",
      message: "It failed.",
      advice: "Submit again.",
      details: "",
    };
    mount({ status: "error", _card: card({ error }) });
    await settled();
    expect(text("[role=alert]")).toBe("It failed. Submit again.");
    expect(text("[role=status]")).toBe("");
  });
});
