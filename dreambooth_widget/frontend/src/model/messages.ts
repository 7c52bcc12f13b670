/**
 * What crosses between the kernel and the browser, and in which words.
 *
 * State comes as traits (small JSON, never bytes); pictures come as custom messages whose buffer
 * is a piece of at most 1 MiB; intents go back as custom messages. The only trait that the browser writes is `selected`.
 */

import type { REMEDIES } from "./constants";

export type Status = "idle" | "processing" | "downloading" | "success" | "error" | "stopped" | "timed_out";
export type Activity = "" | "retrying" | "rate_limited";

/** The three sizes of a picture: 384 px sent when it is ready, 1024 px after them, the original bytes on request. */
export type PictureKind = "thumbnail" | "preview" | "original";

/** In pixels of the picture; right and bottom are the first ones outside. */
export type CropBox = [left: number, top: number, right: number, bottom: number];

export interface PictureEntry {
  index: number;
  status: "waiting" | "ready" | "missing";
  /** Why it is missing, or "". */
  reason: string;
  /** Digest of the original bytes; "" until it is ready. */
  id: string;
  /** File name to save it under. */
  name: string;
  format: string;
  mime: string;
  width: number | null;
  height: number | null;
  /** Bytes of the original. */
  size: number;
  /** What its own text chunks say: seed, prompt, steps, model … */
  text: Record<string, string>;
}

export type Remedy = (typeof REMEDIES)[number];

export interface Failure {
  /** Name of the error's class; for people who look into the traits, the front end does not read it. */
  kind: string;
  remedy: Remedy;
  /** Two words for the chip. */
  title: string;
  message: string;
  advice: string;
  /** The service's own words. */
  details: string;
}

export interface Card {
  activity: Activity;
  waiting_since: number | null;
  error: Failure | null;
  meta: Record<string, string>;
  /** The kernel's Unix seconds when this was sent. */
  clock: number;
  /** Whether the cell shows the form for key and request id. */
  form: boolean;
  has_key: boolean;
  /** What the request is called in the card's header, or "": the prompt is then used. */
  caption: string;
  /** The pictures of this kernel's last job: a guess at what the request itself does not say. */
  expected: { count: number; width: number; height: number } | null;
}

/** The traits. Times are Unix seconds of the kernel's clock, `eta` is seconds. */
export interface Traits {
  /** Never changes: which of the two cards these traits belong to. */
  _kind: "request";
  status: Status;
  message: string;
  request_id: string;
  eta: number | null;
  polls: number;
  started_at: number | null;
  next_poll_at: number | null;
  finished_at: number | null;
  pictures: PictureEntry[];
  selected: number[];
  _card: Card;
}

/** Browser → kernel. */
export const READY = "ready";
/** A view finds no static copy in its page. */
export const COPY_MISSING = "copy_missing";
export const START = "start";
export const STOP = "stop";
export const POLL_NOW = "poll_now";
export const GET_PICTURE = "get_picture";
export const GET_LINK = "get_link";
export const GET_CROP = "get_crop";
export const RETRY = "retry";
export const ZIP = "zip";

export type ToKernel =
  | { type: typeof READY; have: string[] }
  | { type: typeof COPY_MISSING }
  | { type: typeof START; key?: string; request_id?: string }
  | { type: typeof STOP }
  | { type: typeof POLL_NOW }
  | { type: typeof GET_PICTURE; kind: PictureKind; index: number; id: string }
  | { type: typeof GET_LINK; index: number; id: string }
  | { type: typeof GET_CROP; index: number; id: string; box: CropBox }
  | { type: typeof RETRY; index: number }
  | { type: typeof ZIP; indices: number[]; id: string };

/** Kernel → browser. */
export const PICTURE = "picture";
export const UNAVAILABLE = "unavailable";
export const LINK = "link";
export const ERROR = "error";
export const STATIC_HTML = "static_html";

/** A part of the original, in its own pixels. Its `id` is the picture's and the box: "4f1d…/0,0,180,180". */
export const CROP = "crop";

/** One piece of a picture, crop or zip; its one buffer is the bytes. Pieces are numbered from 0 in `part`. */
export interface Piece {
  type: typeof PICTURE;
  kind: PictureKind | typeof CROP | typeof ZIP;
  id: string;
  mime: string;
  name: string;
  part: number;
  parts: number;
}

/** The static copy, for a page that missed it as an output. */
export interface StaticCopy {
  type: typeof STATIC_HTML;
  model_id: string;
  data: { "text/html": string; "text/plain": string };
}

export type FromKernel =
  | Piece
  /** Where the picture came from, or "". Sent on request only: a signed link opens the file for anyone. */
  | { type: typeof LINK; id: string; url: string }
  | { type: typeof UNAVAILABLE; kind: Piece["kind"]; id: string; reason: string }
  | { type: typeof ERROR; reason: string }
  | StaticCopy;

type Handler = (...args: never[]) => void;

/**
 * What is used of anywidget's model, for the traits `T` and the intents `Intent` of one of the two cards. marimo has no
 * plain "change" event, so there is none here. A "msg:custom" handler gets `(message: FromKernel, buffers: DataView[])`.
 */
export interface WidgetModel<T = Traits, Intent = ToKernel> {
  get<K extends keyof T>(name: K): T[K];
  set<K extends keyof T>(name: K, value: T[K]): void;
  save_changes(): void;
  send(content: Intent): void;
  on(event: `change:${keyof T & string}` | "msg:custom", callback: Handler): void;
  off(event: `change:${keyof T & string}` | "msg:custom", callback: Handler): void;
  /** The host's own, unlike in each. Only `writeStaticCopy` looks into it. */
  readonly widget_manager?: unknown;
}
