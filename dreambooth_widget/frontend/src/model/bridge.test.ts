import { expect, test, vi } from "vitest";
import { BLANK, ModelBridge, sortedIndices } from "./bridge";
import { card, entries, FakeModel, settled } from "./fakeModel";

function linked(model = new FakeModel()) {
  const life = new AbortController();
  const [onView, onMessage] = [vi.fn(), vi.fn()];
  return { model, life, onView, onMessage, link: new ModelBridge(model, BLANK, onView, onMessage, life.signal) };
}

/** The model of a card in a host that gives out `found`, the whole model. */
const inHost = (found: object): FakeModel =>
  Object.assign(new FakeModel({ _dom_classes: ["dreambooth-card-one"] } as never), {
    widget_manager: { get_model: () => Promise.resolve(found) },
  });

test("traits that change together are drawn once", async () => {
  const { model, onView } = linked();
  model.change({ status: "processing", polls: 1, message: "x", _card: card() });
  expect(onView).not.toHaveBeenCalled();
  await settled();
  expect(onView).toHaveBeenCalledOnce();
  expect(onView.mock.calls[0]?.[0]).toMatchObject({ status: "processing", polls: 1, alive: true });
});

test("every listener is taken off when the view goes", async () => {
  const { model, life, onView } = linked();
  expect(model.listeners).toBeGreaterThan(0);
  model.change({ status: "processing" });
  life.abort();
  await settled();
  expect(model.listeners).toBe(0);
  expect(onView).not.toHaveBeenCalled();
});

test("selecting writes the trait, sorted and without doubles, and saves it", () => {
  const { model, link } = linked(new FakeModel({ pictures: entries(12) }));
  link.select(sortedIndices([10, 2, 10]));
  expect(model.get("selected")).toEqual([2, 10]);
  expect(model.saves).toBe(1);
});

test("what this page selects is no sign of life of the kernel", () => {
  const { link } = linked();
  link.select([1]);
  expect(link.view().alive).toBe(false);
});

test("a message is a sign of life, and is handed on with its bytes", () => {
  const { model, link, onMessage } = linked();
  model.deliver({ type: "error", reason: "no such id" });
  expect(onMessage).toHaveBeenCalledWith({ type: "error", reason: "no such id" }, []);
  expect(link.view().alive).toBe(true);
});

test("without a kernel there is nobody to answer", () => {
  const model = Object.assign(new FakeModel(), { widget_manager: { kernel: { id: "one", status: "dead" } } });
  expect(linked(model).link.view().gone).toBe(true);
});

test("a kernel that goes before it said a word was there, where its comm was live", async () => {
  const found = { comm_live: true, on: vi.fn(), off: vi.fn() };
  const { link } = linked(inHost(found));
  link.watchComm(document.createElement("div"), vi.fn());
  await settled();
  found.comm_live = false;
  found.on.mock.calls[0]?.[1]();
  expect(link.view()).toMatchObject({ alive: false, wasLive: true, gone: true });
});

test("a model to which anywidget lets no message through hears again, and says so", async () => {
  const heard = vi.fn().mockResolvedValue(undefined);
  class DOMWidgetModel {
    comm = { on_msg: vi.fn() };
    on = vi.fn();
    _handle_comm_msg(message: unknown): Promise<unknown> {
      return heard(this, message);
    }
  }
  class AnyModel extends DOMWidgetModel {
    override _handle_comm_msg(): Promise<unknown> {
      return Promise.reject(new Error("[anywidget] Failed to initialize model."));
    }
  }
  const hearing = new DOMWidgetModel();
  const deaf = new AnyModel();
  for (const [found, calls] of [
    [hearing, 0],
    [deaf, 1],
  ] as const) {
    const onHearing = vi.fn();
    linked(inHost(found)).link.watchComm(document.createElement("div"), onHearing);
    await settled();
    expect(onHearing).toHaveBeenCalledTimes(calls);
    expect(found.comm.on_msg).toHaveBeenCalledTimes(calls);
  }
  deaf.comm.on_msg.mock.calls[0]?.[0]("news");
  expect(heard).toHaveBeenLastCalledWith(deaf, "news");
});

test("traits that the kernel has not sent yet read as blank", () => {
  const { link } = linked(new FakeModel({ _card: undefined as never, pictures: undefined as never }));
  expect(link.view()).toMatchObject({ pictures: [], _card: { error: null, form: false } });
});

test("pictures that come by the hundred are drawn once a frame, and none after the end", async () => {
  const { model, life, onView, link } = linked();
  for (let times = 0; times < 100; times++) {
    link.drawSoon();
    await Promise.resolve();
  }
  expect(onView).not.toHaveBeenCalled();
  await settled();
  expect(onView).toHaveBeenCalledOnce();
  model.deliver({ type: "error", reason: "no" });
  life.abort();
  await settled();
  expect(onView).toHaveBeenCalledOnce();
});

test("a page without frames is drawn too, once", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "requestAnimationFrame", "cancelAnimationFrame"] });
  vi.stubGlobal("requestAnimationFrame", () => 1);
  const { onView, link } = linked();
  link.drawSoon();
  await vi.advanceTimersByTimeAsync(150);
  expect(onView).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1000);
  expect(onView).toHaveBeenCalledOnce();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});
