/** Two pictures over each other, with a slider that says how much of the left one is seen. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { OWN_KEYS } from "../keys";
import type { PictureStore } from "../pictureStore";
import type { PictureEntry } from "../wire";
import { sizeOf } from "./geometry";
import { Shell } from "./Shell";
import { Tool } from "./Tool";
import { useNotice } from "./useNotice";
import { usePicture } from "./usePicture";

export interface CompareProps {
  left: PictureEntry;
  right: PictureEntry;
  store: PictureStore;
  /** The focus is back where it was before. */
  onClose(): void;
}

export function Compare({ left, right, store, onClose }: CompareProps): VNode {
  const [share, setShare] = useState(50);
  const [notice, say] = useNotice();
  const settled = (reason: string | null): void => {
    if (reason) say(`No sharper picture: ${reason}`);
  };
  const under = usePicture(store, right, "original", settled);
  const over = usePicture(store, left, "original", settled);
  const { width, height } = sizeOf(left);
  const style = { "--dreambooth-lb-share": `${share}%`, "--dreambooth-lb-ratio": String(width / height) };
  return (
    <Shell label="Compare two pictures" class="dreambooth-lb-two" onClose={onClose}>
      {(close) => (
        <>
          <p class="dreambooth-lb-count">Compare</p>
          <div class="dreambooth-lb-actions">
            <Tool icon="cross" label="Close" hint="Esc" onClick={close} />
          </div>
          <div class="dreambooth-lb-body">
            <div class="dreambooth-lb-main dreambooth-lb-pair">
              {/* Left stays left in every script: it names a side of the picture, not of the text. */}
              <div class="dreambooth-lb-box" dir="ltr" style={style}>
                <img src={under.url} alt={captionOf(right)} draggable={false} />
                <img src={over.url} alt={captionOf(left)} draggable={false} class="dreambooth-lb-over" />
                <input
                  type="range"
                  min={0}
                  max={100}
                  value={share}
                  aria-label="Share of the left picture"
                  aria-valuetext={`${share} % ${captionOf(left)}, ${100 - share} % ${captionOf(right)}`}
                  onInput={(event) => setShare(event.currentTarget.valueAsNumber)}
                  {...OWN_KEYS}
                />
                <div class="dreambooth-lb-edge" />
                <p class="dreambooth-lb-caption">{captionOf(left)}</p>
                <p class="dreambooth-lb-caption">{captionOf(right)}</p>
              </div>
              <p class={`dreambooth-lb-notice ${notice.seen ? "" : "dreambooth-lb-heard"}`} role="status">
                {notice.text}
              </p>
            </div>
          </div>
        </>
      )}
    </Shell>
  );
}

function captionOf(entry: PictureEntry): string {
  const seed = entry.text.seed ? ` · seed ${entry.text.seed}` : "";
  return `Picture ${entry.index + 1}${seed}`;
}
