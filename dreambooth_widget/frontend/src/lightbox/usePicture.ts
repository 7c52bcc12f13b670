/** The sharpest file of a picture that is at hand, while a sharper one is on its way. */
import { useEffect, useState } from "preact/hooks";
import type { PictureEntry, PictureKind } from "../model/messages";
import type { PictureStore } from "../model/pictureStore";
import { reasonOf } from "./clipboard";

/** From the first to appear to the sharpest. */
const LADDER: readonly PictureKind[] = ["thumbnail", "preview", "original"];

interface LoadedFile {
  id: string;
  kind: PictureKind;
  url: string;
}

export interface LoadedPicture {
  url: string | undefined;
  /** A sharper file is on its way. */
  busy: boolean;
}

/**
 * Climbs from what is at hand up to `kind`, one file after the other, each decoded before it is shown so that
 * nothing flashes. `settled` is called once per climb: with null, or with the reason why there is nothing sharper.
 */
export function usePicture(
  store: PictureStore,
  entry: PictureEntry,
  kind: PictureKind,
  settled: (reason: string | null) => void,
): LoadedPicture {
  const [last, show] = useState<LoadedFile | null>(null);
  const [busy, setBusy] = useState(false);
  const shown = last?.id === entry.id ? last : atHand(store, entry.id);

  useEffect(() => {
    const stop = new AbortController();
    const climb = async (): Promise<void> => {
      const steps = LADDER.slice(shown ? LADDER.indexOf(shown.kind) + 1 : 0, LADDER.indexOf(kind) + 1);
      setBusy(steps.length > 0);
      for (const step of steps) {
        const url = await store.want(entry, step);
        await decoded(url);
        if (stop.signal.aborted) return;
        show({ id: entry.id, kind: step, url });
      }
    };
    if (shown) show(shown);
    climb()
      .then(() => null, reasonOf)
      .then((reason) => {
        if (stop.signal.aborted) return;
        setBusy(false);
        settled(reason);
      });
    return () => stop.abort();
  }, [entry.id, kind]);

  return { url: shown?.url, busy };
}

function atHand(store: PictureStore, id: string): LoadedFile | null {
  for (const kind of LADDER.toReversed()) {
    const url = store.url(id, kind);
    if (url) return { id, kind, url };
  }
  return null;
}

export async function decoded(url: string): Promise<void> {
  const image = new Image();
  image.src = url;
  await image.decode();
}
