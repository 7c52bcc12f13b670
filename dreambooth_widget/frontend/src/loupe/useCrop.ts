/** The pixels that a lens shows, cut out of the original by the kernel. */
import { useEffect, useRef, useState } from "preact/hooks";
import { decoded } from "../lightbox/usePicture";
import type { CropBox, PictureEntry } from "../model/messages";
import type { PictureStore } from "../model/pictureStore";

interface Crop {
  box: CropBox;
  url: string;
}

/**
 * The crop that was loaded last, decoded, so that it never shows empty. One request is on its way at a time, and the
 * next one is for where the lens is by then: what it only passed over is never requested. Null `wanted` requests nothing.
 */
export function useCrop(store: PictureStore, entry: PictureEntry, wanted: CropBox | null): Crop | null {
  const [crop, setCrop] = useState<Crop | null>(null);
  const latest = useRef(wanted);
  latest.current = wanted;
  const life = useRef({ busy: false, over: false });
  useEffect(
    () => () => {
      life.current.over = true;
    },
    [],
  );

  const load = async (): Promise<void> => {
    const { current } = life;
    if (current.busy) return;
    current.busy = true;
    let done = "";
    while (latest.current && String(latest.current) !== done && !current.over) {
      const box = latest.current;
      done = String(box);
      try {
        const url = await store.crop(entry, box);
        await decoded(url);
        if (!current.over) setCrop({ box, url });
      } catch {
        // Without a kernel, or without its file: the preview stays, and its lens says so.
      }
    }
    current.busy = false;
  };
  useEffect(() => void load(), [String(wanted)]);
  return crop;
}
