/** The lightbox's keys, in one table: what is pressed, and what the help says of it. */
export type ZoomCommand = "closer" | "farther" | "fit" | "actual" | "left" | "right" | "up" | "down";
export type Command =
  | ZoomCommand
  | "previous"
  | "next"
  | "first"
  | "last"
  | "details"
  | "select"
  | "compare"
  | "copy"
  | "download"
  | "help";

const COMMANDS = new Map<string, Command>(
  Object.entries({
    pageup: "previous",
    pagedown: "next",
    home: "first",
    end: "last",
    "+": "closer",
    "=": "closer",
    "-": "farther",
    _: "farther",
    "0": "fit",
    "1": "actual",
    i: "details",
    s: "select",
    v: "compare",
    c: "copy",
    d: "download",
    "?": "help",
    arrowleft: "left",
    arrowright: "right",
    arrowup: "up",
    arrowdown: "down",
  }),
);

type Keys = [keys: string, meaning: string][];

export const HELP: Keys = [
  ["← →", "Previous, next"],
  ["PgUp PgDn", "Previous, next"],
  ["Home End", "First, last"],
  ["+ −, wheel", "Zoom"],
  ["Arrows, drag", "Move when zoomed"],
  ["0, 1, double click", "Fit, 1:1"],
  ["I", "Details"],
  ["S", "Select"],
  ["V", "Compare with the selected"],
  ["C", "Copy picture"],
  ["D", "Download"],
  ["?", "These keys"],
  ["Esc", "Close"],
];

export const COMPARE_HELP: Keys = [
  ["+ −, wheel", "Zoom all"],
  ["Arrows, drag", "Move all when zoomed"],
  ["0, 1, double click", "Fit, 1:1"],
  ["Space, held", "Blink: each shows the next"],
  ["Z, held", "Loupe: the same spot at 100 %"],
  ["Arrows", "Move the loupe"],
  ["W", "Wipe between two"],
  ["?", "These keys"],
  ["Esc", "Close"],
];

/** A key's name in lower case; a letter of another alphabet counts by its place on the keyboard. */
export function keyName(event: Pick<KeyboardEvent, "key" | "code">): string {
  const foreign = event.key.length === 1 && event.key > "~" && event.code.startsWith("Key");
  return (foreign ? event.code.slice(3) : event.key).toLowerCase();
}

/** The arrows turn the pages of a picture that fits, in reading order, and pan one that does not. */
export function commandFor(name: string, zoomed: boolean, rightToLeft: boolean): Command | undefined {
  const command = COMMANDS.get(name);
  if (zoomed) return command;
  if (command === "left") return rightToLeft ? "next" : "previous";
  if (command === "right") return rightToLeft ? "previous" : "next";
  return command === "up" || command === "down" ? undefined : command;
}
