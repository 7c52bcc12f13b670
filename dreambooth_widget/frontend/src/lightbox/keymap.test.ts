import { describe, expect, it } from "vitest";
import { commandFor, keyName } from "./keymap";

describe("commandFor", () => {
  it("turns with the arrows while the picture fits, in reading order", () => {
    expect(commandFor("arrowleft", false, false)).toBe("previous");
    expect(commandFor("arrowright", false, false)).toBe("next");
    expect(commandFor("arrowleft", false, true)).toBe("next");
    expect(commandFor("arrowright", false, true)).toBe("previous");
  });

  it("pans with the arrows when zoomed, the same in both reading orders", () => {
    expect(commandFor("arrowleft", true, true)).toBe("left");
    expect(commandFor("arrowup", true, false)).toBe("up");
  });

  it("leaves up and down to the browser while the picture fits: they scroll the details", () => {
    expect(commandFor("arrowup", false, false)).toBeUndefined();
    expect(commandFor("arrowdown", false, false)).toBeUndefined();
  });

  it("turns with the page keys even when zoomed", () => {
    expect(commandFor("pagedown", true, false)).toBe("next");
  });

  it("knows nothing of other keys", () => {
    for (const key of ["x", "enter", " ", "tab", "constructor"]) expect(commandFor(key, false, false)).toBeUndefined();
  });
});

describe("keyName", () => {
  it("takes a letter by its place on a keyboard of another alphabet", () => {
    expect(keyName({ key: "ш", code: "KeyI" })).toBe("i");
    expect(keyName({ key: "I", code: "KeyI" })).toBe("i");
  });

  it("takes a Latin letter by what is printed on it", () => {
    expect(keyName({ key: "c", code: "KeyI" })).toBe("c");
    expect(keyName({ key: "ArrowLeft", code: "ArrowLeft" })).toBe("arrowleft");
  });
});
