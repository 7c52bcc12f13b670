/**
 * The pictures that this view holds: pieces arrive from the kernel, URLs go to the tiles and the lightbox.
 */
import type { Kind, PictureEntry } from "./wire";

export interface PictureStore {
  /** URL (blob: or data:) of what is at hand now; asking makes it the most recently used. */
  url(id: string, kind: Kind): string | undefined;
  /** URL, asking the kernel when it is lacking; rejects with an Error whose message is the reason. */
  want(entry: PictureEntry, kind: Kind): Promise<string>;
  /** The bytes with their type, asking the kernel when they are lacking. */
  bytes(entry: PictureEntry, kind: Kind): Promise<Blob>;
  /** Calls `listener` after each arrival or loss, until `signal` aborts. */
  subscribe(listener: () => void, signal: AbortSignal): void;
}
