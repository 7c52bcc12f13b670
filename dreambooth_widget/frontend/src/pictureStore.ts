/**
 * The pictures that this view holds: pieces arrive from the kernel, URLs go to the tiles and the lightbox.
 *
 * At most 64 MiB stay: originals leave first, then previews, then thumbnails, of each the longest unused. Every blob URL is revoked.
 */

import type { FromKernel, Kind, PictureEntry, Piece, ToKernel } from "./wire";
import { NEED, PICTURE, READY, UNAVAILABLE, ZIP } from "./wire";

export interface PictureStore {
  /** URL (blob: or data:) of what is at hand now; asking makes it the most recently used. */
  url(id: string, kind: Kind): string | undefined;
  /** URL, asking the kernel when it is lacking; rejects with an Error whose message is the reason. */
  want(entry: PictureEntry, kind: Kind): Promise<string>;
  /** The bytes with their type, asking the kernel when they are lacking. */
  bytes(entry: PictureEntry, kind: Kind): Promise<Blob>;
}

export const BUDGET = 64 * 1024 * 1024;
/** How long the kernel may be silent about a picture that was asked for. */
export const PATIENCE = 30_000;
const LEAVING_ORDER: Kind[] = ["original", "preview", "thumbnail"];
/** What Pillow reads for us; anything else (SVG!) is bytes to save, never something to show. */
const SHOWN = /^image\/(png|jpeg|webp|gif)$/;

interface Held {
  kind: Piece["kind"];
  blob: Blob;
  url: string;
  name: string;
}

interface Wait {
  promise: Promise<Held>;
  resolve(held: Held): void;
  reject(reason: Error): void;
  timer: ReturnType<typeof setTimeout>;
}

type Address = (blob: Blob) => Promise<string>;

export class KernelPictures implements PictureStore {
  #send: (message: ToKernel) => void;
  #onChange: () => void;
  #signal: AbortSignal;
  #address: Address;
  #held = new Map<string, Held>();
  #pieces = new Map<string, (DataView | undefined)[]>();
  #waits = new Map<string, Wait>();

  /** `onChange` hears of each arrival, and of the losses that it brought. */
  constructor(
    send: (message: ToKernel) => void,
    onChange: () => void,
    signal: AbortSignal,
    address: Address = addresses(),
  ) {
    this.#send = send;
    this.#onChange = onChange;
    this.#signal = signal;
    this.#address = address;
    signal.addEventListener("abort", () => this.#close());
  }

  /** Says that a view has appeared and which thumbnails it need not be sent. */
  ready(): void {
    const have = [...this.#held.keys()].filter((key) => key.startsWith("thumbnail/")).map((key) => key.slice(10));
    this.#send({ type: READY, have });
  }

  url(id: string, kind: Kind): string | undefined {
    const key = `${kind}/${id}`;
    const held = this.#held.get(key);
    if (!held) return undefined;
    this.#held.delete(key);
    this.#held.set(key, held);
    return held.url;
  }

  async want(entry: PictureEntry, kind: Kind): Promise<string> {
    return this.url(entry.id, kind) ?? (await this.#ask(entry, kind)).url;
  }

  async bytes(entry: PictureEntry, kind: Kind): Promise<Blob> {
    return (this.#held.get(`${kind}/${entry.id}`) ?? (await this.#ask(entry, kind))).blob;
  }

  /** Several originals in one archive, made in the kernel. */
  async zip(indices: number[]): Promise<{ blob: Blob; name: string }> {
    const id = Math.random().toString(36).slice(2);
    const wait = this.#wait(`${ZIP}/${id}`);
    this.#send({ type: ZIP, indices, id });
    return wait;
  }

  /** A message of the kernel; what is not about pictures is left alone. */
  receive(message: FromKernel, buffers: DataView[]): void {
    if (message.type === UNAVAILABLE) this.#fail(`${message.kind}/${message.id}`, message.reason);
    else if (message.type === PICTURE && buffers[0]) this.#collect(message, buffers[0]);
  }

  #ask(entry: PictureEntry, kind: Kind): Promise<Held> {
    const key = `${kind}/${entry.id}`;
    const asked = this.#waits.get(key);
    if (asked) return asked.promise;
    const promise = this.#wait(key);
    this.#send({ type: NEED, kind, index: entry.index, id: entry.id });
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
    wait.timer = setTimeout(() => this.#fail(key, "the kernel does not answer; a running cell may hold it"), PATIENCE);
  }

  #fail(key: string, reason: string): void {
    this.#ended(key)?.reject(new Error(reason));
  }

  #collect(piece: Piece, buffer: DataView): void {
    const key = `${piece.kind}/${piece.id}`;
    // A second view's "ready" brings everything to every view once more; a zip is of the view that asked.
    if (this.#held.has(key) || (piece.kind === ZIP && !this.#waits.has(key))) return;
    this.#bePatient(key);
    const parts = this.#pieces.get(key) ?? new Array<DataView | undefined>(piece.parts).fill(undefined);
    parts[piece.part] = buffer;
    this.#pieces.set(key, parts);
    if (parts.includes(undefined)) return;
    this.#pieces.delete(key);
    const type = SHOWN.test(piece.mime) || piece.kind === ZIP ? piece.mime : "application/octet-stream";
    void this.#keep(key, piece, new Blob(parts as BlobPart[], { type }));
  }

  async #keep(key: string, piece: Piece, blob: Blob): Promise<void> {
    const held = { kind: piece.kind, blob, name: piece.name, url: piece.kind === ZIP ? "" : await this.#address(blob) };
    if (this.#signal.aborted) return URL.revokeObjectURL(held.url);
    if (piece.kind !== ZIP) this.#held.set(key, held);
    this.#ended(key)?.resolve(held);
    this.#trim(key);
    this.#onChange();
  }

  #trim(newest: string): void {
    const weight = (held: Held): number => held.blob.size + (held.url.startsWith("data:") ? held.url.length : 0);
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
    for (const all of [this.#held, this.#waits, this.#pieces]) all.clear();
  }
}

/** blob: URLs, or data: URLs where the page's policy refuses blob: (VS Code may). Found out with the first picture. */
export function addresses(): Address {
  let refused: Promise<boolean> | undefined;
  return async (blob) => {
    const url = URL.createObjectURL(blob);
    refused ??= cannotShow(url);
    if (!(await refused)) return url;
    URL.revokeObjectURL(url);
    return dataUrl(blob);
  };
}

function cannotShow(url: string): Promise<boolean> {
  const probe = new Image();
  probe.src = url;
  return probe.decode().then(
    () => false,
    () => true,
  );
}

function dataUrl(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
