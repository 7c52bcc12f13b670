/**
 * The requests as they are known here, and the gallery of their tiles. A row that comes costs what it holds, not what the
 * batch holds; tiles are listed only as far as they are drawn.
 */
import type { Gallery } from "../Grid";
import type { PictureEntry, Status } from "../wire";
import { indexOf, OF_REQUEST, placeOf } from "./places";
import type { Row, RowsMessage } from "./wire";

export type Group = "waiting" | "done" | "failed" | "stopped";
export type Filter = Group | "all";

export const GROUP_OF: Record<Status, Group> = {
  idle: "waiting",
  processing: "waiting",
  downloading: "waiting",
  success: "done",
  error: "failed",
  stopped: "stopped",
  timed_out: "stopped",
};

/** A tile: a picture of `row`, or `row` itself when it has no pictures or is not done. */
export interface BatchEntry extends PictureEntry {
  row: Row;
  /** The picture's index in its request, or null for the request itself. */
  place: number | null;
}

/** How many tiles there are, and how many of them are pictures that can be opened. */
interface Tally {
  tiles: number;
  ready: number;
}

interface Held extends Tally {
  group: Group;
  entries: BatchEntry[];
}

export interface BatchGallery extends Gallery {
  slice(from: number, to: number): BatchEntry[];
  /** How many can be opened, and which. Those are listed when somebody asks: they may be thousands. */
  ready: number;
  listReady(): BatchEntry[];
}

export class Rows {
  #held = new Map<number, Held>();
  #end = 0;
  #tallies = new Map<Group, Tally>();

  /** New and changed rows; a snapshot's first message makes all that was known void. */
  take({ rows, first }: RowsMessage): void {
    if (first) {
      this.#held.clear();
      this.#tallies.clear();
      this.#end = 0;
    }
    for (const row of rows) {
      const entries = entriesOf(row);
      const ready = entries.filter((entry) => entry.status === "ready").length;
      const held = { group: GROUP_OF[row.status], entries, tiles: entries.length, ready };
      this.#count(this.#held.get(row.request), -1);
      this.#count(held, 1);
      this.#held.set(row.request, held);
      this.#end = Math.max(this.#end, row.request + 1);
    }
  }

  /** How many requests are known here. */
  get size(): number {
    return this.#held.size;
  }

  /** The tiles of all requests, or of those in one state, in the batch's order. */
  gallery(filter: Filter): BatchGallery {
    const counted = filter === "all" ? [...this.#tallies.values()] : [this.#tallies.get(filter)];
    const sum = (what: keyof Tally): number => counted.reduce((total, tally) => total + (tally?.[what] ?? 0), 0);
    const slice = (from: number, to: number): BatchEntry[] => {
      const entries: BatchEntry[] = [];
      for (let request = 0; request < this.#end && entries.length < to; request++) {
        const held = this.#held.get(request);
        if (held && (filter === "all" || held.group === filter)) entries.push(...held.entries);
      }
      return entries.slice(from, to);
    };
    const length = sum("tiles");
    const listReady = (): BatchEntry[] => slice(0, length).filter((entry) => entry.status === "ready");
    return { length, slice, ready: sum("ready"), listReady };
  }

  at(index: number): BatchEntry | undefined {
    return this.#held.get(placeOf(index)[0])?.entries.find((entry) => entry.index === index);
  }

  #count(held: Held | undefined, by: 1 | -1): void {
    if (!held) return;
    const { tiles, ready } = this.#tallies.get(held.group) ?? { tiles: 0, ready: 0 };
    this.#tallies.set(held.group, { tiles: tiles + by * held.tiles, ready: ready + by * held.ready });
  }
}

/** The pictures that are there, and behind them the request itself as long as it is not done. */
function entriesOf(row: Row): BatchEntry[] {
  const done = row.status === "success";
  const entries: BatchEntry[] = row.pictures
    .filter((entry) => done || entry.status === "ready")
    .map((entry) => ({ ...entry, index: indexOf([row.request, entry.index]), row, place: entry.index }));
  if (!done || !entries.length) entries.push(itself(row));
  return entries;
}

function itself(row: Row): BatchEntry {
  const [first] = row.pictures;
  return {
    index: indexOf([row.request, OF_REQUEST]),
    // What can be asked for again is a tile with a button.
    status: /failed|stopped/.test(GROUP_OF[row.status]) ? "missing" : "waiting",
    reason: row.note,
    width: first?.width,
    height: first?.height,
    id: "",
    row,
    place: null,
    // The rest is told of files only.
  } as BatchEntry;
}
