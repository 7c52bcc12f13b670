/**
 * What crosses between the kernel and the browser for a batch, beside what it shares with the widget (`../model/messages`).
 *
 * Rows are messages and not a trait: a trait is saved with the notebook, and sent whole for each change.
 */
import type {
  Activity,
  COPY_MISSING,
  CropBox,
  GET_CROP,
  GET_LINK,
  GET_PICTURE,
  PictureEntry,
  PictureKind,
  POLL_NOW,
  READY,
  RETRY,
  START,
  STOP,
  Status,
  ZIP,
} from "../model/messages";

/** One request. Times are Unix seconds of the kernel's clock, `eta` is seconds. */
export interface Row {
  /** Position in the batch, from 0. */
  request: number;
  /** The service's own id of it. */
  id: string;
  /** A prompt, or "". */
  caption: string;
  status: Status;
  activity: Activity;
  /** One line for people: of the state, or an error's sentence and advice. */
  note: string;
  /** An error in two words, or "". */
  title: string;
  eta: number | null;
  started_at: number | null;
  finished_at: number | null;
  next_poll_at: number | null;
  meta: Record<string, string>;
  /** Announced ones wait; there may be none yet. */
  pictures: PictureEntry[];
}

export interface BatchCardTrait {
  activity: Activity;
  /** The kernel's Unix seconds when this was sent. */
  clock: number;
  /** Whether the cell shows the form for the key. */
  form: boolean;
  has_key: boolean;
  /** The service has refused the key, and so it does for all. */
  key_refused: boolean;
  /** What many requests wait for, as a sentence, or "". */
  trouble: string;
}

export interface BatchTraits {
  _kind: "batch";
  /** After the end: "success" when all are done, "error" when some failed, though others are done. */
  status: Exclude<Status, "downloading">;
  /** Such as "37 of 50 done, 2 failed". */
  message: string;
  total: number;
  counts: Record<Status, number>;
  started_at: number | null;
  finished_at: number | null;
  /** When everything will probably be done. */
  done_at: number | null;
  next_poll_at: number | null;
  selected: PictureKey[];
  _card: BatchCardTrait;
}

/** A picture of a batch. */
export type PictureKey = [request: number, picture: number];

/** Kernel → browser: at most 100 rows, new or changed; with `first` a whole snapshot begins. */
export const ROWS = "rows";
export interface RowsMessage {
  type: typeof ROWS;
  rows: Row[];
  first: boolean;
}

/** Browser → kernel. */
export const RETRY_FAILED = "retry_failed";
export const AGAIN = "again";

export type BatchIntent =
  | { type: typeof READY; have: string[] }
  | { type: typeof COPY_MISSING }
  | { type: typeof START; key?: string }
  | { type: typeof STOP | typeof POLL_NOW | typeof RETRY_FAILED }
  | { type: typeof AGAIN; request: number }
  | { type: typeof RETRY; request: number; index: number }
  | { type: typeof GET_PICTURE; kind: PictureKind; request: number; index: number; id: string }
  | { type: typeof GET_LINK; request: number; index: number; id: string }
  | { type: typeof GET_CROP; request: number; index: number; id: string; box: CropBox }
  | { type: typeof ZIP; pictures: PictureKey[]; id: string };
