/**
 * The requests as they are known here, and the gallery of their tiles. A row that comes costs what it holds, a drawing one
 * step for each request; tiles are listed only as far as they are drawn.
 */
import type { PictureList } from "../gallery/Grid";
import type { PictureEntry, Status } from "../model/messages";
import { sharedPrefix } from "./batchText";
import type { Row, RowsMessage } from "./messages";
import { OF_REQUEST, pictureKey, tileIndex } from "./tileIndex";

export type Filter = "all" | "waiting" | "done" | "failed" | "stopped";

/** Which requests a filter shows. */
export const STATUSES: Record<Filter, Status[]> = {
  all: ["idle", "processing", "downloading", "success", "error", "stopped", "timed_out"],
  waiting: ["idle", "processing", "downloading"],
  done: ["success"],
  failed: ["error"],
  stopped: ["stopped", "timed_out"],
};

/** A tile: a picture of `row` or its place, or `row` itself when it has no pictures or is not done. */
export interface BatchEntry extends PictureEntry {
  row: Row;
  /** The picture's index in its request, or null for the request itself. */
  pictureIndex: number | null;
}

interface Held {
  status: Status;
  caption: string;
  entries: BatchEntry[];
  /** How many of them can be opened. */
  ready: number;
}

export interface BatchPictures extends PictureList {
  slice(from: number, to: number): BatchEntry[];
  /** How many can be opened, and which. Listed on demand only: they may be thousands. */
  ready: number;
  listReady(): BatchEntry[];
}

export class Rows {
  #held = new Map<number, Held>();
  #end = 0;
  /** How many characters at their beginning all captions share: the tiles leave them out. */
  prefix = 0;

  /** New and changed rows; a snapshot's first message makes all that was known void. */
  take({ rows, first }: RowsMessage): void {
    if (first) this.#held.clear();
    for (const row of rows) {
      const entries = entriesOf(row);
      this.#held.set(row.request, {
        status: row.status,
        caption: row.caption,
        entries,
        ready: entries.filter(isReady).length,
      });
      this.#end = Math.max(this.#end, row.request + 1);
    }
    this.prefix = sharedPrefix([...this.#held.values()].map(({ caption }) => caption));
  }

  /** The tiles of all requests, or of those in one state, in the batch's order. Without a kernel nothing is `coming`. */
  gallery(filter: Filter, coming = true): BatchPictures {
    const shown = ({ status }: Held): boolean => STATUSES[filter].includes(status);
    const tiles = ({ entries }: Held): BatchEntry[] =>
      coming ? entries : entries.filter((entry) => entry.status !== "waiting");
    let [length, ready] = [0, 0];
    for (const held of this.#held.values()) {
      if (!shown(held)) continue;
      length += tiles(held).length;
      ready += held.ready;
    }
    const slice = (from: number, to: number): BatchEntry[] => {
      const entries: BatchEntry[] = [];
      for (let request = 0; request < this.#end && entries.length < to; request++) {
        const held = this.#held.get(request);
        if (held && shown(held)) entries.push(...tiles(held));
      }
      return entries.slice(from, to);
    };
    return { length, slice, ready, listReady: () => slice(0, length).filter(isReady) };
  }

  at(index: number): BatchEntry | undefined {
    return this.#held.get(pictureKey(index)[0])?.entries.find((entry) => entry.index === index);
  }
}

const isReady = (entry: PictureEntry): boolean => entry.status === "ready";

/**
 * The pictures that are there and the places of those that are coming, so that nothing moves when they come. As long as the
 * request is not done it stands itself at the first place that is free.
 */
function entriesOf(row: Row): BatchEntry[] {
  const [done, running] = [row.status === "success", STATUSES.waiting.includes(row.status)];
  const entries: BatchEntry[] = row.pictures
    .filter((entry) => done || running || entry.status === "ready")
    .map((entry) => ({ ...entry, index: tileIndex([row.request, entry.index]), row, pictureIndex: entry.index }));
  const free = entries.findIndex((entry) => entry.status === "waiting");
  if (done ? !entries.length : free < 0) entries.push(itself(row));
  else if (!done) entries[free] = itself(row);
  return entries;
}

function itself(row: Row): BatchEntry {
  const [first] = row.pictures;
  return {
    index: tileIndex([row.request, OF_REQUEST]),
    // What can be requested again is a tile with a button.
    status: /error|stopped|timed_out/.test(row.status) ? "missing" : "waiting",
    reason: row.note,
    width: first?.width,
    height: first?.height,
    id: "",
    row,
    pictureIndex: null,
    // The rest is known of files only.
  } as BatchEntry;
}
