/** The lightbox's buttons. */
import type { VNode } from "preact";
import { IconButton } from "../ui/Button";
import type { Command, ZoomCommand } from "./keymap";
import type { Viewing } from "./useView";

type Run = (command: Command) => void;

export function ZoomBar({ viewing, run }: { viewing: Viewing; run: (command: ZoomCommand) => void }): VNode {
  const { scale } = viewing.view;
  return (
    <fieldset class="dreambooth-zoom" aria-label="Zoom">
      <IconButton icon="minus" label="Zoom out" hint="−" off={viewing.least} onClick={() => run("farther")} />
      <IconButton label="Fit" hint="0" aria-pressed={viewing.fits} onClick={() => run("fit")}>
        Fit
      </IconButton>
      <IconButton icon="plus" label="Zoom in" hint="+" off={viewing.most} onClick={() => run("closer")} />
      <IconButton label="1:1" hint="1" aria-pressed={Math.abs(scale - 1) < 0.005} onClick={() => run("actual")}>
        1:1
      </IconButton>
    </fieldset>
  );
}

interface ActionsProps {
  selected: boolean;
  /** Whether there is another one to compare with. */
  several: boolean;
  details: boolean;
  help: boolean;
  run: Run;
  close(): void;
}

export function Actions({ selected, several, details, help, run, close }: ActionsProps): VNode {
  return (
    <div class="dreambooth-tools">
      <IconButton
        icon={selected ? "checked" : "unchecked"}
        label="Select"
        hint="S"
        aria-pressed={selected}
        onClick={() => run("select")}
      />
      {several && <IconButton icon="compare" label="Compare" hint="V" onClick={() => run("compare")} />}
      <IconButton icon="info" label="Details" hint="I" aria-expanded={details} onClick={() => run("details")} />
      <IconButton icon="copy" label="Copy picture" hint="C" onClick={() => run("copy")} />
      <IconButton icon="down" label="Download" hint="D" onClick={() => run("download")} />
      <IconButton label="Keys" hint="?" aria-expanded={help} class="dreambooth-keys" onClick={() => run("help")}>
        ?
      </IconButton>
      <IconButton icon="cross" label="Close" hint="Esc" onClick={close} />
    </div>
  );
}

/** At the sides of the stage. They stop at the ends: going round hides where the first picture is. */
export function Turns({ position, count, run }: { position: number; count: number; run: Run }): VNode {
  return (
    <>
      <IconButton
        icon="previous"
        label="Previous picture"
        hint="←"
        class="dreambooth-turn"
        off={position === 0}
        onClick={() => run("previous")}
      />
      <IconButton
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
