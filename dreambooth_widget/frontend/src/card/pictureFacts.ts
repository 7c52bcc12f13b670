/** What is known of a request and of its pictures, in one order and under one set of names. Pure; every value is plain text. */
import type { PictureEntry, Traits } from "../model/messages";
import { duration } from "./statusText";

export type Texts = Record<string, string>;
export type Fact = [label: string, value: string];
type Job = Pick<Traits, "request_id" | "started_at" | "finished_at">;

/** What people ask for first, in this order. */
const FIRST = ["prompt", "negative_prompt", "seed", "model", "steps"];
/** Names of the wire that a size says better, or that the pictures themselves say. */
const WIRE = /^(w|h|width|height|n_samples|samples)$/;

/**
 * What people ask for first, then `own`, then `others` in their own order; of two facts with one name the
 * later counts. What is `own` is known for certain and wins.
 */
export function factsOf(own: Texts, ...others: Texts[]): Fact[] {
  const facts = new Map([...FIRST, ...Object.keys(own)].map((name) => [name, own[name] ?? ""]));
  for (const [key, value] of others.flatMap(Object.entries<string>)) {
    const name = plain(key);
    if (value && !(name in own || WIRE.test(name))) facts.set(name, value);
  }
  return [...facts].filter(([, value]) => value).map(([name, value]) => [factLabel(name), value]);
}

/** Of the request as a whole. */
export function ofJob({ request_id: request, started_at: start, finished_at: end }: Job): Texts {
  return { request, time: start !== null && end !== null ? duration(end - start) : "" };
}

/** Of a picture, or of the first one of a request. */
export const sizeText = (entry?: PictureEntry): string =>
  entry?.width && entry.height ? `${entry.width} × ${entry.height}` : "";

/** Of a picture's file. */
export function ofFile(entry: PictureEntry): Texts {
  const { format, size, name } = entry;
  return {
    size: sizeText(entry),
    format: `${format} · ${fileSize(size)}`,
    file: name,
  };
}

/** "CFG scale", "cfg-scale" and "cfgScale" are one thing, and so are "model" and "model_id". */
function plain(key: string): string {
  return key
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .replace(/[\s-]+/g, "_")
    .toLowerCase()
    .replace("model_id", "model");
}

/** "negative_prompt" → "Negative prompt". */
export function factLabel(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");
}

/** Decimal units, as file managers and browsers show them. */
export function fileSize(bytes: number): string {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** "Picture 2 of 4, seed 123": the name of a picture for a screen reader. */
export function nameOf(entry: PictureEntry, position: number, count: number, noun = "Picture"): string {
  const seed = entry.text.seed ? `, seed ${entry.text.seed}` : "";
  return `${noun} ${position + 1} of ${count}${seed}`;
}
