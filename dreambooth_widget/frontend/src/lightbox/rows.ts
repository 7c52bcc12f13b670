/** What the details panel says of a picture: pure, every value as plain text. */
import type { PictureEntry } from "../wire";

export interface Row {
  label: string;
  value: string;
}

/** Told first and in this order; whatever else was told comes last, in its own order. */
const FIRST = ["prompt", "negative_prompt", "seed", "model", "steps"];
/** Told by the file itself. */
const KNOWN = new Set(["w", "h", "width", "height", "size", "format", "file", "request"]);

/** Rows of `entry`. Where the job's `meta` and the picture's own text differ, the picture's own counts. */
export function rowsOf(entry: PictureEntry, meta: Record<string, string>, requestId: string): Row[] {
  const told = new Map<string, string>(FIRST.map((key) => [key, ""]));
  for (const [key, value] of [...Object.entries(meta), ...Object.entries(entry.text)]) {
    const name = plain(key);
    if (!KNOWN.has(name) && value !== "") told.set(name, value);
  }
  const size = entry.width && entry.height ? `${entry.width} × ${entry.height}` : "";
  const file: [string, string][] = [
    ["size", size],
    ["format", `${entry.format} · ${fileSize(entry.size)}`],
    ["file", entry.name],
    ["request", requestId],
  ];
  const all = [...told];
  return [...all.slice(0, FIRST.length), ...file, ...all.slice(FIRST.length)]
    .filter(([, value]) => value)
    .map(([key, value]) => ({ label: labelOf(key), value }));
}

/** "CFG scale", "cfg-scale" and "cfgScale" are one thing. */
function plain(key: string): string {
  return key
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .replace(/[\s-]+/g, "_")
    .toLowerCase();
}

function labelOf(key: string): string {
  return key.charAt(0).toUpperCase() + key.slice(1).replaceAll("_", " ");
}

/** Decimal units, as file managers and browsers show them. */
export function fileSize(bytes: number): string {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** "Picture 2 of 4, seed 123": what a picture is called to somebody who does not see it. */
export function nameOf(entry: PictureEntry, position: number, count: number): string {
  const seed = entry.text.seed ? `, seed ${entry.text.seed}` : "";
  return `Picture ${position + 1} of ${count}${seed}`;
}
