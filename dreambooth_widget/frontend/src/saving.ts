/** Downloads: one picture as its original bytes, several as an archive that the kernel makes. */
import { useState } from "preact/hooks";
import type { KernelPictures } from "./pictureStore";
import { saveBlob } from "./save";
import type { PictureEntry } from "./wire";

interface Saving {
  /** Whether bytes are on their way. */
  busy: boolean;
  /** Why the last download failed, or "". */
  trouble: string;
  save(entries: PictureEntry[]): Promise<void>;
}

export function useSaving(store: KernelPictures): Saving {
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState("");
  const save = async (entries: PictureEntry[]): Promise<void> => {
    const [first] = entries;
    if (!first) return;
    setBusy(true);
    setTrouble("");
    try {
      if (entries.length === 1) saveBlob(await store.bytes(first, "original"), first.name);
      else await store.zip(entries.map((entry) => entry.index)).then(({ blob, name }) => saveBlob(blob, name));
    } catch (fault) {
      setTrouble(`Not downloaded: ${(fault as Error).message}.`);
    }
    setBusy(false);
  };
  return { busy, trouble, save };
}
