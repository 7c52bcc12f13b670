/** Two to four pictures at one look: side by side with one zoom and one position, two with a wipe; held Space blinks. */
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Fact } from "../card/pictureFacts";
import { usePictureMenu } from "../gallery/PictureMenu";
import { useLoupe } from "../loupe/useLoupe";
import type { PictureEntry } from "../model/messages";
import type { PictureStore } from "../model/pictureStore";
import { IconButton } from "../ui/Button";
import { OWN_KEYS } from "../ui/keys";
import { Dialog, focused, focusIn, isRightToLeft, keepFocus } from "./Dialog";
import { arrange, type Size, sizeOf } from "./geometry";
import { Help } from "./Help";
import { COMPARE_HELP, commandFor, type ZoomCommand } from "./keymap";
import { ZoomBar } from "./LightboxToolbar";
import { Noticed, useNotice } from "./Notice";
import { originalsOf } from "./originals";
import { Panes } from "./Panes";
import { useView } from "./useView";

export interface CompareProps {
  /** Two to four. */
  entries: PictureEntry[];
  /** What a picture is of, in a line, or "". */
  captionOf(entry: PictureEntry): string;
  factsOf(entry: PictureEntry): Fact[];
  store: PictureStore;
  /** The focus is back where it was before. */
  onClose(): void;
}

export function Compare({ entries, captionOf, factsOf, store, onClose }: CompareProps): VNode {
  const [stage, setStage] = useState<Size>({ width: 0, height: 0 });
  const [wiping, setWiping] = useState(false);
  const [share, setShare] = useState(50);
  const [blink, setBlink] = useBlink();
  const [pinned, setPinned] = useState(false);
  const [help, setHelp] = useState(false);
  const [notice, say] = useNotice();
  const count = entries.length;
  const first = entries[0] as PictureEntry;
  const { columns, pane } = arrange(wiping ? 1 : count, stage, sizeOf(first));
  const viewing = useView(pane, sizeOf(first));
  const loupe = useLoupe(pinned, () => setPinned(false));
  const menu = usePictureMenu({ store, factsOf, onSave: originalsOf(store, say).save });
  const labelOf = (entry: PictureEntry): string =>
    [captionOf(entry) || `Picture ${entry.index + 1}`, entry.text.seed && `seed ${entry.text.seed}`]
      .filter(Boolean)
      .join(" · ");

  const { scale } = viewing.view;
  useEffect(() => {
    if (loupe.on) say(scale < 1 ? `Loupe: ${count} pictures at 100%` : "Zoom out first: 100% is reached", scale >= 1);
  }, [loupe.on]);

  const run = (command: ZoomCommand): void => viewing.commands[command]();
  const onKey = (key: string, dialog: HTMLDialogElement): boolean => {
    const control = focused(dialog);
    // The browser's own keys of the edge, and of a button to which Tab has led.
    if (control?.matches("input") && /^(arrow|home|end|page)/.test(key)) return false;
    if (key === " " && control?.matches("button:not([data-blink])")) return false;
    const command = commandFor(key, true, isRightToLeft(dialog));
    if (loupe.press(key)) return true;
    if (key === " ") setBlink(true);
    else if (key === "w" && count === 2) setWiping(!wiping);
    else if (command === "help" || (key === "escape" && help)) setHelp(!help);
    else if (command && command in viewing.commands) run(command as ZoomCommand);
    else return false;
    keepFocus(dialog);
    return true;
  };
  const onKeyUp = (key: string): void => {
    loupe.release(key);
    if (key === " ") setBlink(false);
  };

  const onContextMenu = (event: MouseEvent, target: Element, dialog: HTMLDialogElement): void => {
    // A finger that rests with the loupe holds the spot.
    const holds = loupe.on && (event as PointerEvent).pointerType === "touch";
    const index = target.closest<HTMLElement>("[data-index]")?.dataset.index;
    const entry = entries.find((one) => String(one.index) === index);
    if (holds) event.preventDefault();
    else if (entry) menu.open(event, entry, focusIn(dialog));
  };

  return (
    <Dialog
      label={`Compare ${count} pictures`}
      onKey={onKey}
      onKeyUp={onKeyUp}
      onContextMenu={onContextMenu}
      onClose={onClose}
    >
      {(close) => (
        <>
          <p>
            <bdi>{`Compare ${count}`}</bdi> <bdi>{`${Math.round(scale * 100)}%`}</bdi>
          </p>
          <ZoomBar viewing={viewing} run={run} />
          <div class="dreambooth-tools">
            {count === 2 && (
              <IconButton icon="wipe" label="Wipe" hint="W" aria-pressed={wiping} onClick={() => setWiping(!wiping)} />
            )}
            <IconButton
              icon="blink"
              label="Blink while held"
              hint="Space"
              data-blink
              aria-pressed={blink}
              onPointerDown={() => setBlink(true)}
              onPointerUp={() => setBlink(false)}
              onPointerLeave={() => setBlink(false)}
              onPointerCancel={() => setBlink(false)}
              // Without a pointer nothing is held: a press of Enter, or of a screen reader, switches.
              onClick={({ detail }) => detail === 0 && setBlink(!blink)}
            />
            <IconButton
              icon="loupe"
              label="Loupe"
              hint="hold Z"
              aria-pressed={pinned}
              onClick={() => setPinned(!pinned)}
            />
            <IconButton
              label="Keys"
              hint="?"
              aria-expanded={help}
              class="dreambooth-keys"
              onClick={() => setHelp(!help)}
            >
              ?
            </IconButton>
            <IconButton icon="cross" label="Close" hint="Esc" onClick={close} />
          </div>
          <div class="dreambooth-body">
            <div class="dreambooth-main">
              <Panes
                {...{ entries, labelOf, store, columns, pane, viewing, blink, loupe }}
                share={wiping ? share : null}
                onMenu={(event, entry) => menu.open(event, entry, event.currentTarget)}
                onSize={setStage}
                onSettled={(reason) => reason && say(`No sharper picture: ${reason}`)}
              />
              {wiping && <Edge share={share} names={entries.map(labelOf)} onShare={setShare} />}
              {help && <Help keys={COMPARE_HELP} />}
              <Noticed {...notice} />
            </div>
          </div>
          {menu.drawn}
        </>
      )}
    </Dialog>
  );
}

/** A slider over the pictures, of which only the thumb is there for the pointer: the rest of them can be dragged. */
function Edge({ share, names, onShare }: { share: number; names: string[]; onShare(share: number): void }): VNode {
  return (
    <div class="dreambooth-edge" dir="ltr" style={{ "--db-share": `${share}%` }}>
      <input
        type="range"
        min={0}
        max={100}
        value={share}
        aria-label="Share of the left picture"
        aria-valuetext={`${share}% ${names[0]}, ${100 - share}% ${names[1]}`}
        onInput={(event) => onShare(event.currentTarget.valueAsNumber)}
        {...OWN_KEYS}
      />
      <div />
    </div>
  );
}

/** Whether each place shows the next picture. It ends with the window's focus: the key's release goes elsewhere then. */
function useBlink(): [boolean, (on: boolean) => void] {
  const [blink, setBlink] = useState(false);
  useEffect(() => {
    const stop = new AbortController();
    window.addEventListener("blur", () => setBlink(false), { signal: stop.signal });
    return () => stop.abort();
  }, []);
  return [blink, setBlink];
}
