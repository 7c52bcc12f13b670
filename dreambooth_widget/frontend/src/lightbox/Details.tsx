/** What is known of the picture, beside it. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { FactList } from "../card/FactList";
import type { Fact } from "../card/pictureFacts";

/** CSS pixels of a window that has room for a picture of 1024 and for this beside it. */
const ROOMY = 1400;

/** The reader's last choice, for the next picture that is opened. */
let chosen: boolean | undefined;

/** Whether they are unfolded, and how to change that: from the start where they take no room from the picture. */
export function useDetails(): [open: boolean, toggle: () => void] {
  const [open, setOpen] = useState(chosen ?? innerWidth >= ROOMY);
  const toggle = (): void => {
    chosen = !open;
    setOpen(chosen);
  };
  return [open, toggle];
}

export function Details({ facts, say }: { facts: Fact[]; say(sentence: string): void }): VNode {
  return (
    <aside class="dreambooth-details" aria-label="Details">
      <FactList facts={facts} say={say} />
    </aside>
  );
}
