import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { useKeptFocus } from "./keepFocus";

let page: HTMLElement;

/** A card with these controls: "stop" and "stay" in the row of actions, "field" in the form, "tile" elsewhere. */
function Controls({ has }: { has: string }) {
  const root = useKeptFocus();
  return (
    <section ref={root} tabIndex={-1}>
      {has.includes("field") && (
        <form>
          <input />
        </form>
      )}
      {has.includes("tile") && <button type="button" class="tile" />}
      <div class="dreambooth-actions">
        {has.includes("stop") && <button type="button" class="stop" />}
        {has.includes("stay") && <button type="button" class="stay" />}
      </div>
    </section>
  );
}

async function draw(has: string): Promise<void> {
  await act(() => render(<Controls has={has} />, page));
  await new Promise((resolve) => setTimeout(resolve)); // the observer has been told
}

function focus(selector: string): void {
  page.querySelector<HTMLElement>(selector)?.focus();
  expect(document.activeElement?.matches(selector)).toBe(true);
}

beforeEach(() => {
  page = document.createElement("div");
  document.body.append(page);
});
afterEach(async () => {
  await act(() => render(null, page));
  page.remove();
});

describe("useKeptFocus", () => {
  it("hands the focus of a control that goes to the first action", async () => {
    await draw("tile stop stay");
    focus(".stop");
    await draw("tile stay");
    expect(document.activeElement?.className).toBe("stay");
  });

  it("hands it to the form's first field where there is no action", async () => {
    await draw("stop");
    focus(".stop");
    await draw("field");
    expect(document.activeElement?.localName).toBe("input");
  });

  it("hands it to the card itself where there is neither", async () => {
    await draw("tile stop");
    focus(".stop");
    await draw("tile");
    expect(document.activeElement?.localName).toBe("section");
  });

  it("leaves it alone while its control stays, and where it was never in the card", async () => {
    await draw("tile stop stay");
    await draw("tile stay");
    expect(document.activeElement).toBe(document.body);
    focus(".tile");
    await draw("tile");
    expect(document.activeElement?.className).toBe("tile");
  });

  it("does not fetch it back from where somebody took it", async () => {
    const elsewhere = page.parentElement?.appendChild(document.createElement("input"));
    await draw("stop stay");
    focus(".stop");
    elsewhere?.focus();
    await Promise.resolve();
    await draw("stay");
    expect(document.activeElement).toBe(elsewhere);
    elsewhere?.remove();
  });

  it("listens no more when the card has gone", async () => {
    let owner: EventTarget = page;
    while (!Object.hasOwn(owner, "addEventListener")) owner = Object.getPrototypeOf(owner);
    const added = vi.spyOn(owner, "addEventListener");
    const observe = vi.spyOn(MutationObserver.prototype, "observe");
    const disconnect = vi.spyOn(MutationObserver.prototype, "disconnect");
    await draw("stop");
    const signals = added.mock.calls.flatMap(([, , options]) => (options as AddEventListenerOptions)?.signal ?? []);
    expect(signals).toHaveLength(2);
    const ours = observe.mock.contexts[0];
    expect(disconnect.mock.contexts).not.toContain(ours);
    await act(() => render(null, page));
    expect(disconnect.mock.contexts).toContain(ours);
    expect(signals.every((signal) => signal.aborted)).toBe(true);
  });
});
