/** Downloads: one picture as its original bytes, several as an archive that the kernel makes. */
import { useState } from "preact/hooks";
import type { PictureEntry } from "../model/messages";
import type { KernelPictures } from "../model/pictureStore";

/** Milliseconds after which an answer that has not come needs an explanation. */
export const SLOW = 1500;

interface Download {
  /** Whether bytes are on their way. */
  busy: boolean;
  /** They do not come, and a cell holds the kernel. */
  waiting: boolean;
  /** Why the last download failed, or "". */
  problem: string;
  start(entries: PictureEntry[]): Promise<void>;
}

export function useDownload(store: KernelPictures): Download {
  const [busy, setBusy] = useState(false);
  const [waiting, setWaiting] = useState(false);
  const [problem, setProblem] = useState("");
  const start = async (entries: PictureEntry[]): Promise<void> => {
    const [first] = entries;
    if (!first) return;
    setBusy(true);
    setProblem("");
    const slow = setTimeout(() => setWaiting(store.kernelBusy), SLOW);
    try {
      if (entries.length === 1 || store.offline) {
        for (const entry of entries) savePicture(await store.bytes(entry, "original"), entry);
      } else {
        const { blob, name } = await store.zip(entries.map((entry) => entry.index));
        saveBlob(blob, name);
      }
    } catch (fault) {
      setProblem(`Not downloaded: ${(fault as Error).message}.`);
    }
    clearTimeout(slow);
    setWaiting(false);
    setBusy(false);
  };
  return { busy, waiting, problem, start };
}

/** Saves a picture under its name. */
export const savePicture = (blob: Blob, entry: PictureEntry): void => saveBlob(blob, fileName(entry, blob.type));

/** The name of a picture's file; what is only a preview of it gets the ending of its own format. */
export function fileName({ name, mime }: PictureEntry, type: string): string {
  if (type === mime || !type.startsWith("image/")) return name;
  return name.replace(/\.\w+$/, `.${type.slice(6).replace("jpeg", "jpg")}`);
}

/** Hands bytes to the browser's "save file". */
function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The download starts after this task; revoking at once made Chromium save nothing.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
