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
  ["← →", "previous, next"],
  ["PgUp PgDn", "previous, next"],
  ["Home End", "first, last"],
  ["+ −, wheel", "zoom"],
  ["Arrows, drag", "move when zoomed"],
  ["0, 1, double click", "fit, 1:1"],
  ["I", "details"],
  ["S", "select"],
  ["V", "compare with the selected"],
  ["C", "copy picture"],
  ["D", "download"],
  ["?", "these keys"],
  ["Esc", "close"],
];

export const COMPARE_HELP: Keys = [
  ["+ −, wheel", "zoom all"],
  ["Arrows, drag", "move all when zoomed"],
  ["0, 1, double click", "fit, 1:1"],
  ["Space, held", "blink: each shows the next"],
  ["Z, held", "loupe: the same spot at 100 %"],
  ["Arrows", "move the loupe"],
  ["W", "wipe between two"],
  ["?", "these keys"],
  ["Esc", "close"],
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
