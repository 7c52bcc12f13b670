import { describe, expect, test, vi } from "vitest";
import { Host } from "./host";

const manager = (status: string, id = "one") => ({ kernel: { status, id } });

describe("kernelStatus", () => {
  test.each([
    ["busy", manager("busy"), "busy"],
    ["dead", manager("dead"), "dead"],
    ["idle, which is not believed", manager("idle"), ""],
    ["no kernel", { kernel: null }, "dead"],
    ["no manager", undefined, ""],
  ])("%s", (_, given, status) => expect(new Host(given, undefined).kernelStatus()).toBe(status));

  test("a cell that runs makes it busy, whatever the kernel reports", () => {
    document.body.innerHTML =
      '<div class="jp-Notebook"><div class="jp-InputPrompt">[*]:</div><div id="card"></div></div>';
    const host = new Host(manager("idle"), undefined);
    host.el = document.getElementById("card") as Element;
    expect(host.kernelStatus()).toBe("busy");
  });
});

test("another kernel is a change, none is not", () => {
  const given = manager("idle");
  const host = new Host(given, undefined);
  expect(host.kernelChanged()).toBe(false);
  given.kernel.id = "two";
  expect(host.kernelChanged()).toBe(true);
  expect(new Host(undefined, undefined).kernelChanged()).toBe(false);
});

describe("findModel", () => {
  test("finds the model by the id in the class of the card", async () => {
    const model = { on: vi.fn(), off: vi.fn() };
    const get_model = vi.fn().mockResolvedValue(model);
    const found = vi.fn();
    new Host({ get_model }, ["x", "dreambooth-card-abc"]).findModel(found);
    await vi.waitFor(() => expect(found).toHaveBeenCalledWith(model));
    expect(get_model).toHaveBeenCalledWith("abc");
  });

  test.each([[undefined], [["other"]], ["text"]])("does nothing without that class: %j", (classes) => {
    const get_model = vi.fn();
    new Host({ get_model }, classes).findModel(() => undefined);
    expect(get_model).not.toHaveBeenCalled();
  });

  test("does nothing when the host does not know the model", async () => {
    const found = vi.fn();
    new Host({ get_model: () => Promise.reject(new Error("no model")) }, ["dreambooth-card-abc"]).findModel(found);
    await Promise.resolve();
    expect(found).not.toHaveBeenCalled();
  });
});
