/** The lightbox's keys, in one table: what is pressed, and what the help says of it. */
export type Command =
  | "previous"
  | "next"
  | "first"
  | "last"
  | "closer"
  | "farther"
  | "fit"
  | "actual"
  | "details"
  | "select"
  | "copy"
  | "download"
  | "help"
  | "left"
  | "right"
  | "up"
  | "down";

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
    c: "copy",
    d: "download",
    "?": "help",
    arrowleft: "left",
    arrowright: "right",
    arrowup: "up",
    arrowdown: "down",
  }),
);

export const HELP: [keys: string, meaning: string][] = [
  ["← →", "previous, next"],
  ["PgUp PgDn", "previous, next"],
  ["Home End", "first, last"],
  ["+ −, wheel", "zoom"],
  ["Arrows, drag", "move when zoomed"],
  ["0, 1, double click", "fit, 1:1"],
  ["I", "details"],
  ["S", "select"],
  ["C", "copy picture"],
  ["D", "download"],
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
