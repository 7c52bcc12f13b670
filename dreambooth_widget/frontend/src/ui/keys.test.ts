import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isHostShortcut, OWN_KEYS, passShortcuts } from "./keys";

/** happy-dom takes Alt for AltGr, browsers do not. */
const press = (key: string, more: KeyboardEventInit = {}, altGr = false): KeyboardEvent =>
  Object.assign(new KeyboardEvent("keydown", { key, bubbles: true, ...more }), { getModifierState: () => altGr });

describe("isHostShortcut", () => {
  it.each(["s", "S", "b", "f", "/", ","])("is true of %s with Ctrl, Cmd or Alt", (key) => {
    for (const modifier of ["ctrlKey", "metaKey", "altKey"]) {
      expect(isHostShortcut(press(key, { [modifier]: true }))).toBe(true);
    }
  });

  it("is true of the palette's Ctrl+Shift+C", () => {
    expect(isHostShortcut(press("C", { ctrlKey: true, shiftKey: true }))).toBe(true);
  });

  it.each(["a", "b", "x", "j", "d", "0", "ArrowDown", "Enter", "S"])("is false of %s alone", (key) => {
    expect(isHostShortcut(press(key))).toBe(false);
    expect(isHostShortcut(press(key, { shiftKey: true }))).toBe(false);
  });

  it.each(["Control", "Enter", "ArrowUp", "a", "c", "v", "x", "z"])("is false of Ctrl+%s, which edits", (key) => {
    expect(isHostShortcut(press(key, { ctrlKey: true }))).toBe(false);
  });

  it("is false of characters that AltGr types", () => {
    expect(isHostShortcut(press("@", { ctrlKey: true, altKey: true }, true))).toBe(false);
  });
});

describe("passShortcuts", () => {
  const [attribute] = Object.keys(OWN_KEYS) as [string];
  let life: AbortController;
  let card: HTMLElement;
  let tile: HTMLElement;

  beforeEach(() => {
    life = new AbortController();
    document.body.innerHTML = `<section ${attribute}="true"><button ${attribute}="true"></button></section>`;
    card = document.body.firstElementChild as HTMLElement;
    tile = card.firstElementChild as HTMLElement;
    passShortcuts(card, life.signal);
  });
  afterEach(() => life.abort());

  const suppressedDuring = (event: KeyboardEvent): boolean[] => {
    let seen: boolean[] = [];
    document.addEventListener(
      "keydown",
      () => {
        seen = [tile, card].map((element) => element.hasAttribute(attribute));
      },
      { once: true },
    );
    tile.dispatchEvent(event);
    return seen;
  };

  it("takes the attribute off the whole path, and puts it back", async () => {
    expect(suppressedDuring(press("s", { ctrlKey: true }))).toEqual([false, false]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect([tile, card].map((element) => element.getAttribute(attribute))).toEqual(["true", "true"]);
  });

  it("leaves it there for plain keys, also right behind a shortcut", () => {
    suppressedDuring(press("s", { ctrlKey: true }));
    expect(suppressedDuring(press("b"))).toEqual([true, true]);
  });

  it("ends with its signal", () => {
    life.abort();
    expect(suppressedDuring(press("s", { ctrlKey: true }))).toEqual([true, true]);
  });
});
