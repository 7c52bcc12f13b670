/** The dialogs over the gallery, and the tile to which the focus returns when they close. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { PictureEntry } from "../model/messages";
import { Compare } from "./Compare";
import { whyNotCompared } from "./comparable";
import type { LightboxProps } from "./Lightbox";
import { Lightbox } from "./Lightbox";

interface DialogsProps extends Omit<LightboxProps, "entries" | "start" | "onSelect" | "onCompare" | "onClose"> {
  /** The ready ones, in order. Asked only while the lightbox is open: they may be thousands. */
  entries(): PictureEntry[];
  onSelect(indices: Iterable<number>): void;
}

interface Dialogs {
  open(entry: PictureEntry): void;
  /** Shows two to four of them at one look. Returns why not, as a sentence, or "". */
  compare(entries: PictureEntry[]): string;
  /** A picture whose tile takes the focus, each time that this is a new object. */
  focus: { index: number } | null;
  /** What is open now. */
  drawn: VNode;
}

export function useDialogs({ entries, onSelect, ...gallery }: DialogsProps): Dialogs {
  const { selected } = gallery;
  const [open, setOpen] = useState<PictureEntry | null>(null);
  const [compared, setCompared] = useState<PictureEntry[]>([]);
  const [focus, setFocus] = useState<Dialogs["focus"]>(null);
  const compare = (chosen: PictureEntry[]): string => {
    const why = whyNotCompared(chosen.length);
    if (!why) setCompared(chosen);
    return why;
  };
  const shown = open ? entries() : [];
  const drawn = (
    <>
      {open && (
        <Lightbox
          {...gallery}
          entries={shown}
          start={shown.findIndex((entry) => entry.index === open.index)}
          onSelect={(index, on) => onSelect(on ? [...selected, index] : [...selected].filter((one) => one !== index))}
          onCompare={compare}
          onClose={(position) => {
            setOpen(null);
            setFocus(shown[position] ?? null);
          }}
        />
      )}
      {compared.length > 0 && <Compare {...gallery} entries={compared} onClose={() => setCompared([])} />}
    </>
  );
  return { open: setOpen, compare, focus, drawn };
}
