/** The lightbox's buttons. */
import type { VNode } from "preact";
import { Tool } from "../Tool";
import { LARGEST } from "./geometry";
import type { Command } from "./keymap";
import type { Viewing } from "./useView";

type Run = (command: Command) => void;

export function ZoomBar({ viewing, run }: { viewing: Viewing; run: Run }): VNode {
  const { scale } = viewing.view;
  return (
    <fieldset class="dreambooth-zoom" aria-label="Zoom">
      <Tool icon="minus" label="Zoom out" hint="−" off={viewing.fits} onClick={() => run("farther")} />
      <Tool label="Fit" hint="0" aria-pressed={viewing.fits} onClick={() => run("fit")}>
        Fit
      </Tool>
      <Tool icon="plus" label="Zoom in" hint="+" off={scale >= LARGEST} onClick={() => run("closer")} />
      <Tool label="1:1" hint="1" aria-pressed={Math.abs(scale - 1) < 0.005} onClick={() => run("actual")}>
        1:1
      </Tool>
    </fieldset>
  );
}

interface ActionsProps {
  selected: boolean;
  details: boolean;
  help: boolean;
  run: Run;
  close(): void;
}

export function Actions({ selected, details, help, run, close }: ActionsProps): VNode {
  return (
    <div class="dreambooth-tools">
      <Tool
        icon={selected ? "checked" : "unchecked"}
        label="Select"
        hint="S"
        aria-pressed={selected}
        onClick={() => run("select")}
      />
      <Tool icon="info" label="Details" hint="I" aria-expanded={details} onClick={() => run("details")} />
      <Tool icon="copy" label="Copy picture" hint="C" onClick={() => run("copy")} />
      <Tool icon="down" label="Download" hint="D" onClick={() => run("download")} />
      <Tool label="Keys" hint="?" aria-expanded={help} class="dreambooth-keys" onClick={() => run("help")}>
        ?
      </Tool>
      <Tool icon="cross" label="Close" hint="Esc" onClick={close} />
    </div>
  );
}

/** At the sides of the stage. They stop at the ends: going round hides where the first picture is. */
export function Turns({ position, count, run }: { position: number; count: number; run: Run }): VNode {
  return (
    <>
      <Tool
        icon="previous"
        label="Previous picture"
        hint="←"
        class="dreambooth-turn"
        off={position === 0}
        onClick={() => run("previous")}
      />
      <Tool
        icon="next"
        label="Next picture"
        hint="→"
        class="dreambooth-turn"
        data-next
        off={position === count - 1}
        onClick={() => run("next")}
      />
    </>
  );
}
