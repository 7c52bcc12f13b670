/** Downloads: one picture as its original bytes, several as an archive that the kernel makes. */
import { useState } from "preact/hooks";
import type { PictureEntry } from "../model/messages";
import type { KernelPictures } from "../model/pictureStore";

interface Download {
  /** Whether bytes are on their way. */
  busy: boolean;
  /** Why the last download failed, or "". */
  problem: string;
  start(entries: PictureEntry[]): Promise<void>;
}

export function useDownload(store: KernelPictures): Download {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const start = async (entries: PictureEntry[]): Promise<void> => {
    const [first] = entries;
    if (!first) return;
    setBusy(true);
    setProblem("");
    try {
      if (entries.length === 1) saveBlob(await store.bytes(first, "original"), first.name);
      else await store.zip(entries.map((entry) => entry.index)).then(({ blob, name }) => saveBlob(blob, name));
    } catch (fault) {
      setProblem(`Not downloaded: ${(fault as Error).message}.`);
    }
    setBusy(false);
  };
  return { busy, problem, start };
}

/** Hands bytes to the browser's "save file". */
export function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The download starts after this task; revoking at once made Chromium save nothing.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
