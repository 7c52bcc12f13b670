/**
 * The pictures that this view holds: pieces arrive from the kernel, URLs go to the tiles and the lightbox.
 *
 * At most 64 MiB stay: crops leave first, then originals, then previews, then thumbnails, of each the longest unused. Every blob URL is revoked.
 */

import { PICTURE_TYPES } from "./constants";
import type { CropBox, FromKernel, PictureEntry, PictureKind, Piece, ToKernel } from "./messages";
import { CROP, GET_CROP, GET_LINK, GET_PICTURE, LINK, PICTURE, READY, UNAVAILABLE, ZIP } from "./messages";

export interface PictureStore {
  /** Whether a cell is known to hold the kernel, so that an answer takes as long as that cell. */
  readonly kernelBusy: boolean;
  /** The kernel that has the pictures is gone: what is held here is all there is. */
  readonly offline: boolean;
  /** URL (blob: or data:) of what is at hand now; asking makes it the most recently used. */
  url(id: string, kind: PictureKind): string | undefined;
  /** URL, asking the kernel when it is lacking; rejects with an Error whose message is the reason. */
  want(entry: PictureEntry, kind: PictureKind): Promise<string>;
  /** URL of a part of the original, asking the kernel when it is lacking; rejects as `want` does. */
  crop(entry: PictureEntry, box: CropBox): Promise<string>;
  /** The bytes with their type, asking the kernel when they are lacking; without a kernel the best that is held. */
  bytes(entry: PictureEntry, kind: PictureKind): Promise<Blob>;
  /** The largest file that is at hand, for what cannot wait. */
  best(id: string): { url: string; type: string } | undefined;
  /** Where the picture came from, as long as that can be opened; "" when it cannot. */
  link(entry: PictureEntry): Promise<string>;
}

export const BUDGET = 64 * 1024 * 1024;
/** Milliseconds that the kernel may be silent about a requested picture. */
export const PATIENCE = 30_000;
/** A GIF of one pixel: ASCII but for a few control characters, so it goes into a blob as a string. */
const PIXEL = "R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs=";
const OFFLINE = "the kernel has gone; run the cell again";
const KINDS: PictureKind[] = ["original", "preview", "thumbnail"];
const LEAVING_ORDER: Piece["kind"][] = [CROP, ...KINDS];

interface Held {
  kind: Piece["kind"];
  name: string;
  type: string;
  size: number;
  /** The pieces as they came, or the one blob that was made of them: most thumbnails of a large gallery are never drawn. */
  parts: BlobPart[];
  /** "" until a tile needs it. */
  url: string;
}

interface Wait {
  promise: Promise<Held>;
  resolve(held: Held): void;
  reject(reason: Error): void;
  timer: ReturnType<typeof setTimeout>;
}

function blobOf(held: Held): Blob {
  const [first] = held.parts;
  if (first instanceof Blob) return first;
  const blob = new Blob(held.parts, { type: held.type });
  held.parts = [blob];
  return blob;
}

/** Made on the first use or when the browser has nothing else to do: 500 at once would hold up the first screen. */
function urlOf(held: Held): string {
  held.url ||= URL.createObjectURL(blobOf(held));
  return held.url;
}

export class KernelPictures implements PictureStore {
  #send: (message: ToKernel) => void;
  #onChange: () => void;
  #signal: AbortSignal;
  /** blob: URLs, or data: where the page's policy refuses them (VS Code may). Found out while the pictures are on their way. */
  #refused: Promise<boolean>;
  #held = new Map<string, Held>();
  #pieces = new Map<string, (DataView | undefined)[]>();
  #offline = false;
  #kernelBusy: () => boolean;
  #waits = new Map<string, Wait>();
  #links = new Map<string, (url: string) => void>();
  /** Keys of what came and may have no URL yet. */
  #urlless: string[] = [];

  /** `onChange` is called after each arrival, and the evictions that it caused. */
  constructor(
    send: (message: ToKernel) => void,
    onChange: () => void,
    signal: AbortSignal,
    kernelBusy = () => false,
    probe = cannotShow,
  ) {
    this.#send = send;
    this.#onChange = onChange;
    this.#signal = signal;
    this.#kernelBusy = kernelBusy;
    this.#refused = probe();
    signal.addEventListener("abort", () => this.#close());
  }

  get kernelBusy(): boolean {
    return this.#kernelBusy();
  }

  get offline(): boolean {
    return this.#offline;
  }

  set offline(offline: boolean) {
    if (offline && !this.#offline) for (const key of [...this.#waits.keys()]) this.#fail(key, OFFLINE);
    this.#offline = offline;
  }

  /** Says that a view has appeared and which thumbnails it need not be sent. */
  ready(): void {
    const have = [...this.#held.keys()].filter((key) => key.startsWith("thumbnail/")).map((key) => key.slice(10));
    this.#send({ type: READY, have });
  }

  url(id: string, kind: PictureKind | typeof CROP): string | undefined {
    const key = `${kind}/${id}`;
    const held = this.#held.get(key);
    if (!held) return undefined;
    this.#held.delete(key);
    this.#held.set(key, held);
    return urlOf(held);
  }

  async want(entry: PictureEntry, kind: PictureKind): Promise<string> {
    return this.url(entry.id, kind) ?? urlOf(await this.#ask(entry, kind));
  }

  async crop({ id, index }: PictureEntry, box: CropBox): Promise<string> {
    const token = `${id}/${box}`;
    return this.url(token, CROP) ?? urlOf(await this.#request(CROP, token, { type: GET_CROP, index, id, box }));
  }

  async bytes(entry: PictureEntry, kind: PictureKind): Promise<Blob> {
    const kinds = this.#offline ? [kind, ...KINDS] : [kind];
    const held = kinds.map((each) => this.#held.get(`${each}/${entry.id}`)).find(Boolean);
    return blobOf(held ?? (await this.#ask(entry, kind)));
  }

  best(id: string): { url: string; type: string } | undefined {
    const held = LEAVING_ORDER.map((kind) => this.#held.get(`${kind}/${id}`)).find(Boolean);
    return held && { url: urlOf(held), type: held.type };
  }

  async link({ index, id }: PictureEntry): Promise<string> {
    if (this.#offline) return "";
    const answer = new Promise<string>((resolve) => this.#links.set(id, resolve));
    this.#send({ type: GET_LINK, index, id });
    const url = await answer;
    return /^https?:/i.test(url) ? url : "";
  }

  /** Several originals in one archive, made in the kernel. */
  async zip(indices: number[]): Promise<{ blob: Blob; name: string }> {
    const id = Math.random().toString(36).slice(2);
    const wait = this.#wait(`${ZIP}/${id}`);
    this.#send({ type: ZIP, indices, id });
    const held = await wait;
    return { blob: blobOf(held), name: held.name };
  }

  /** A message of the kernel; what is not about pictures is left alone. */
  receive(message: FromKernel, buffers: DataView[]): void {
    if (message.type === LINK) this.#links.get(message.id)?.(message.url);
    else if (message.type === UNAVAILABLE) this.#fail(`${message.kind}/${message.id}`, message.reason);
    else if (message.type === PICTURE && buffers[0]) this.#collect(message, buffers[0]);
  }

  #ask({ id, index }: PictureEntry, kind: PictureKind): Promise<Held> {
    return this.#request(kind, id, { type: GET_PICTURE, kind, index, id });
  }

  #request(kind: Piece["kind"], id: string, message: ToKernel): Promise<Held> {
    if (this.#offline) return Promise.reject(new Error(OFFLINE));
    const key = `${kind}/${id}`;
    const pending = this.#waits.get(key);
    if (pending) return pending.promise;
    const promise = this.#wait(key);
    this.#send(message);
    return promise;
  }

  #wait(key: string): Promise<Held> {
    const wait = {} as Wait;
    wait.promise = new Promise((resolve, reject) => Object.assign(wait, { resolve, reject }));
    this.#waits.set(key, wait);
    this.#bePatient(key);
    return wait.promise;
  }

  /** The wait for `key`, which is over. */
  #ended(key: string): Wait | undefined {
    const wait = this.#waits.get(key);
    clearTimeout(wait?.timer);
    this.#waits.delete(key);
    return wait;
  }

  #bePatient(key: string): void {
    const wait = this.#waits.get(key);
    if (!wait) return;
    clearTimeout(wait.timer);
    wait.timer = setTimeout(() => {
      if (this.kernelBusy) this.#bePatient(key);
      else this.#fail(key, "the kernel does not answer");
    }, PATIENCE);
  }

  #fail(key: string, reason: string): void {
    this.#ended(key)?.reject(new Error(reason));
  }

  #collect(piece: Piece, buffer: DataView): void {
    const key = `${piece.kind}/${piece.id}`;
    // A second view's "ready" brings everything to every view once more; zips and crops belong to the view that requested them.
    const requested = this.#waits.has(key) || (piece.kind !== ZIP && piece.kind !== CROP);
    if (this.#held.has(key) || !requested) return;
    this.#bePatient(key);
    const parts = this.#pieces.get(key) ?? new Array<DataView | undefined>(piece.parts).fill(undefined);
    parts[piece.part] = buffer;
    this.#pieces.set(key, parts);
    if (parts.includes(undefined)) return;
    this.#pieces.delete(key);
    const type = PICTURE_TYPES.includes(piece.mime) || piece.kind === ZIP ? piece.mime : "application/octet-stream";
    const whole = parts as DataView<ArrayBuffer>[];
    const size = whole.reduce((sum, { byteLength }) => sum + byteLength, 0);
    void this.#keep(key, { kind: piece.kind, name: piece.name, type, size, parts: whole, url: "" });
  }

  async #keep(key: string, held: Held): Promise<void> {
    if (held.kind !== ZIP) {
      if (await this.#refused) held.url = await dataUrl(blobOf(held));
      if (this.#signal.aborted) return;
      this.#held.set(key, held);
      this.#makeUrlSoon(key);
    }
    this.#ended(key)?.resolve(held);
    this.#trim(key);
    this.#onChange();
  }

  /** So that a tile need not wait for its URL when it is scrolled into sight. Safari has no idle callbacks. */
  #makeUrlSoon(key: string): void {
    if ("requestIdleCallback" in globalThis && this.#urlless.push(key) === 1) requestIdleCallback(this.#makeUrls);
  }

  #makeUrls = (deadline: IdleDeadline): void => {
    while (this.#urlless.length && deadline.timeRemaining() > 1) {
      const held = this.#held.get(this.#urlless.shift() as string);
      if (held) urlOf(held);
    }
    if (this.#urlless.length) requestIdleCallback(this.#makeUrls);
  };

  #trim(newest: string): void {
    const weight = (held: Held): number => held.size + (held.url.startsWith("data:") ? held.url.length : 0);
    let total = 0;
    for (const held of this.#held.values()) total += weight(held);
    for (const kind of LEAVING_ORDER) {
      for (const [key, held] of this.#held) {
        if (total <= BUDGET) return;
        if (held.kind !== kind || key === newest) continue;
        total -= weight(held);
        URL.revokeObjectURL(held.url);
        this.#held.delete(key);
      }
    }
  }

  #close(): void {
    for (const held of this.#held.values()) URL.revokeObjectURL(held.url);
    for (const wait of this.#waits.values()) clearTimeout(wait.timer);
    for (const all of [this.#held, this.#waits, this.#pieces, this.#links]) all.clear();
  }
}

/** Whether the page's policy refuses pictures from blob: URLs: tried with the smallest GIF there is. */
export async function cannotShow(): Promise<boolean> {
  const probe = new Image();
  probe.src = URL.createObjectURL(new Blob([atob(PIXEL)], { type: "image/gif" }));
  // Not decode(): it waits for a frame, and a hidden page has none.
  const refused = await new Promise<boolean>((resolve) => {
    probe.onload = () => resolve(false);
    probe.onerror = () => resolve(true);
  });
  URL.revokeObjectURL(probe.src);
  return refused;
}

function dataUrl(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
