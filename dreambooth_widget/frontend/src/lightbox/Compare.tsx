/** Two pictures over each other, with a slider that says how much of the left one is seen. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { PictureEntry } from "../model/messages";
import type { PictureStore } from "../model/pictureStore";
import { IconButton } from "../ui/Button";
import { OWN_KEYS } from "../ui/keys";
import { Dialog } from "./Dialog";
import { sizeOf } from "./geometry";
import { Noticed, useNotice } from "./Notice";
import { usePicture } from "./usePicture";

export interface CompareProps {
  left: PictureEntry;
  right: PictureEntry;
  /** What a picture is of, in a line, or "". */
  captionOf(entry: PictureEntry): string;
  store: PictureStore;
  /** The focus is back where it was before. */
  onClose(): void;
}

export function Compare({ left, right, captionOf, store, onClose }: CompareProps): VNode {
  const [share, setShare] = useState(50);
  const [notice, say] = useNotice();
  const settled = (reason: string | null): void => {
    if (reason) say(`No sharper picture: ${reason}`);
  };
  const under = usePicture(store, right, "original", settled);
  const over = usePicture(store, left, "original", settled);
  const { width, height } = sizeOf(left);
  const [first, second] = [left, right].map((entry) => captionOf(entry) || numberOf(entry)) as [string, string];
  const style = { "--db-share": `${share}%`, "--db-ratio": String(width / height) };
  return (
    <Dialog label="Compare two pictures" onClose={onClose}>
      {(close) => (
        <>
          <p>Compare</p>
          <div class="dreambooth-tools">
            <IconButton icon="cross" label="Close" hint="Esc" onClick={close} />
          </div>
          <div class="dreambooth-body">
            <div class="dreambooth-main dreambooth-pair">
              {/* Left stays left in every script: it names a side of the picture, not of the text. */}
              <div class="dreambooth-box" dir="ltr" style={style}>
                <img src={under.url} alt={second} draggable={false} />
                <img src={over.url} alt={first} draggable={false} />
                <input
                  type="range"
                  min={0}
                  max={100}
                  value={share}
                  aria-label="Share of the left picture"
                  aria-valuetext={`${share}% ${first}, ${100 - share}% ${second}`}
                  onInput={(event) => setShare(event.currentTarget.valueAsNumber)}
                  {...OWN_KEYS}
                />
                <div />
                <p class="dreambooth-caption">{first}</p>
                <p class="dreambooth-caption">{second}</p>
              </div>
              <Noticed {...notice} />
            </div>
          </div>
        </>
      )}
    </Dialog>
  );
}

function numberOf(entry: PictureEntry): string {
  const seed = entry.text.seed ? ` · seed ${entry.text.seed}` : "";
  return `Picture ${entry.index + 1}${seed}`;
}
