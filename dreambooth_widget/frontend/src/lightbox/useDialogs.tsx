/** The dialogs over the gallery, and the tile to which the focus returns when they close. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { PictureEntry } from "../model/messages";
import { Compare } from "./Compare";
import type { LightboxProps } from "./Lightbox";
import { Lightbox } from "./Lightbox";

interface DialogsProps extends Omit<LightboxProps, "entries" | "start" | "onSelect" | "onClose"> {
  /** The ready ones, in order. Asked only while the lightbox is open: they may be thousands. */
  entries(): PictureEntry[];
  onSelect(indices: Iterable<number>): void;
}

interface Dialogs {
  open(entry: PictureEntry): void;
  /** The first two of these over each other. */
  compare(pair: PictureEntry[]): void;
  /** A picture whose tile takes the focus, each time that this is a new object. */
  focus: { index: number } | null;
  /** What is open now. */
  drawn: VNode;
}

export function useDialogs({ entries, onSelect, ...gallery }: DialogsProps): Dialogs {
  const { selected, store } = gallery;
  const [open, setOpen] = useState<PictureEntry | null>(null);
  const [[left, right], setPair] = useState<PictureEntry[]>([]);
  const [focus, setFocus] = useState<Dialogs["focus"]>(null);
  const shown = open ? entries() : [];
  const drawn = (
    <>
      {open && (
        <Lightbox
          {...gallery}
          entries={shown}
          start={shown.findIndex((entry) => entry.index === open.index)}
          onSelect={(index, on) => onSelect(on ? [...selected, index] : [...selected].filter((one) => one !== index))}
          onClose={(position) => {
            setOpen(null);
            setFocus(shown[position] ?? null);
          }}
        />
      )}
      {left && right && (
        <Compare
          left={left}
          right={right}
          captionOf={gallery.captionOf}
          store={store}
          onClose={() => {
            setPair([]);
            setFocus(left);
          }}
        />
      )}
    </>
  );
  return { open: setOpen, compare: setPair, focus, drawn };
}
