/** Originals for the clipboard and for files, with a word where a running cell keeps them waiting. */
import { WAITING_FOR_CELL } from "../card/statusText";
import { SLOW, savePicture } from "../gallery/download";
import type { PictureEntry } from "../model/messages";
import type { PictureStore } from "../model/pictureStore";
import { reasonOf } from "./clipboard";

interface Originals {
  load(entry: PictureEntry): Promise<Blob>;
  save(entry: PictureEntry): Promise<void>;
}

export function originalsOf(store: PictureStore, say: (sentence: string) => void): Originals {
  const load: Originals["load"] = (entry) => {
    const slow = setTimeout(() => store.kernelBusy && say(WAITING_FOR_CELL), SLOW);
    return store.bytes(entry, "original").finally(() => clearTimeout(slow));
  };
  const save: Originals["save"] = (entry) =>
    load(entry).then(
      (blob) => savePicture(blob, entry),
      (error: unknown) => say(`Not saved: ${reasonOf(error)}`),
    );
  return { load, save };
}
