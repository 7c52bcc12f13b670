/** One picture over the whole window: zoom, turn, read, copy, save. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { type Fact, nameOf } from "../card/pictureFacts";
import { usePictureMenu } from "../gallery/PictureMenu";
import type { PictureEntry } from "../model/messages";
import type { PictureStore } from "../model/pictureStore";
import { copyPicture } from "./clipboard";
import { Details, useDetails } from "./Details";
import { Dialog, focusIn, isRightToLeft, keepFocus } from "./Dialog";
import { kindFor, type Size, sizeOf } from "./geometry";
import { Help } from "./Help";
import { type Command, commandFor, HELP } from "./keymap";
import { Actions, Turns, ZoomBar } from "./LightboxToolbar";
import { Noticed, useNotice } from "./Notice";
import { originalsOf } from "./originals";
import { Stage } from "./Stage";
import { usePicture } from "./usePicture";
import { usePosition } from "./usePosition";
import { useView } from "./useView";

export interface LightboxProps {
  /** The ready ones, in order; may grow while the lightbox is open. */
  entries: PictureEntry[];
  /** What the dialog is called. */
  label: string;
  /** What it is of, in a line, or "". */
  captionOf(entry: PictureEntry): string;
  factsOf(entry: PictureEntry): Fact[];
  /** Position in `entries` of the first one shown. */
  start: number;
  /** By the pictures' `index`. */
  selected: ReadonlySet<number>;
  store: PictureStore;
  onSelect(index: number, on: boolean): void;
  /** Returns why these are not compared, as a sentence, or "". */
  onCompare(entries: PictureEntry[]): string;
  /** With the position of the last one shown; the focus is back where it was before. */
  onClose(position: number): void;
}

/** A native dialog, or a stage in the page's flow where the frame has no room for one (`Dialog`). */
export function Lightbox(props: LightboxProps): VNode | null {
  return props.entries.length > 0 ? <Opened {...props} /> : null;
}

function Opened(props: LightboxProps): VNode {
  const { entries, store, selected } = props;
  const [position, go] = usePosition(entries, props.start);
  const [details, toggleDetails] = useDetails();
  const [help, setHelp] = useState(false);
  const [stage, setStage] = useState<Size>({ width: 0, height: 0 });
  const [notice, say] = useNotice();
  const entry = entries[position] as PictureEntry;
  const nameAt = (at: number, one: PictureEntry): string =>
    [nameOf(one, at, entries.length), props.captionOf(one)].filter(Boolean).join(", ");
  const caption = props.captionOf(entry);
  const picture = sizeOf(entry);
  const viewing = useView(stage, picture);
  const { scale } = viewing.view;
  const shown = usePicture(store, entry, kindFor(picture, scale * devicePixelRatio), (reason) => {
    if (reason) say(`No sharper picture: ${reason}`);
    for (const near of [entries[position + 1], entries[position - 1]]) {
      if (near) store.want(near, "preview").catch(() => {});
    }
  });

  const turn = (to: number): void => {
    const next = entries[to];
    if (!next) return;
    go(to);
    say(nameAt(to, next), false);
  };
  const originals = originalsOf(store, say);
  const menu = usePictureMenu({ ...props, onSave: originals.save });
  const commands: Record<Command, () => unknown> = {
    ...viewing.commands,
    previous: () => turn(position - 1),
    next: () => turn(position + 1),
    first: () => turn(0),
    last: () => turn(entries.length - 1),
    details: toggleDetails,
    help: () => setHelp(!help),
    select: () => {
      say(selected.has(entry.index) ? "Not selected" : "Selected", false);
      props.onSelect(entry.index, !selected.has(entry.index));
    },
    copy: async () => say(await copyPicture(originals.load(entry))),
    download: () => originals.save(entry),
    compare: () => {
      const chosen = entries.filter(({ index }) => selected.has(index) || index === entry.index);
      const why = props.onCompare(chosen);
      if (why) say(why);
    },
  };
  const run = (command: Command): void => void commands[command]();

  const onKey = (key: string, dialog: HTMLDialogElement): boolean => {
    const command = commandFor(key, viewing.zoomed, isRightToLeft(dialog));
    if (command) run(command);
    else if (key === "escape" && help) setHelp(false);
    else return false;
    keepFocus(dialog); // a panel that goes away may have held it
    return true;
  };

  return (
    <Dialog
      label={props.label}
      onKey={onKey}
      onContextMenu={(event, target, dialog) => {
        if (target === dialog || target.closest(".dreambooth-stage, .dreambooth-turn"))
          menu.open(event, entry, focusIn(dialog));
      }}
      onClose={() => props.onClose(position)}
    >
      {(close) => (
        <>
          <p>
            <bdi>{`${position + 1} of ${entries.length}`}</bdi> <bdi>{`${Math.round(scale * 100)}%`}</bdi>
            {caption && <bdi>{caption}</bdi>}
          </p>
          <ZoomBar viewing={viewing} run={run} />
          <Actions
            selected={selected.has(entry.index)}
            several={entries.length > 1}
            details={details}
            help={help}
            run={run}
            close={close}
          />
          <div class="dreambooth-body">
            <div class="dreambooth-main">
              <Stage
                id={entry.id}
                alt={nameAt(position, entry)}
                picture={picture}
                shown={shown}
                viewing={viewing}
                stage={stage}
                onSize={setStage}
                onTurn={(step) => turn(position + step)}
              />
              {entries.length > 1 && <Turns position={position} count={entries.length} run={run} />}
              {help && <Help keys={HELP} />}
              <Noticed {...notice} />
            </div>
            {details && <Details facts={props.factsOf(entry)} say={say} />}
          </div>
          {menu.drawn}
        </>
      )}
    </Dialog>
  );
}
