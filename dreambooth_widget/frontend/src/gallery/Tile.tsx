/** One picture of the grid: a placeholder, the picture with its controls, or a drawn mark with the reason. */
import type { ComponentChildren, VNode } from "preact";
import { useEffect } from "preact/hooks";
import { nameOf } from "../card/pictureFacts";
import type { PictureEntry } from "../model/messages";
import type { PictureStore } from "../model/pictureStore";
import { Button } from "../ui/Button";
import { Icon } from "../ui/icons";
import { OWN_KEYS } from "../ui/keys";

/** Milliseconds. Thumbnails come unasked; one that has not come by then was lost on the way. */
const LOST_AFTER = 4000;

export interface TileProps {
  entry: PictureEntry;
  /** Which of the tiles that are drawn this is, from 0. */
  position: number;
  total: number;
  store: PictureStore;
  /** Whether the tile is so large that the preview is worth showing. */
  large: boolean;
  selected: boolean;
  /** Whether Tab leads here: one tile of the grid. */
  active: boolean;
  onOpen(): void;
  onSelect(on: boolean): void;
  onDownload(): void;
  onRetry(): void;
}

interface TileOptions {
  /** What is drawn instead of the picture. */
  children?: ComponentChildren;
  /** What a screen reader is told of the picture after its number, or "". */
  about?: string;
  /** Which of its request's pictures it is, from 0. */
  place?: number;
  /** How long its thumbnail may take before it is asked for, in milliseconds. */
  patience?: number;
}

export function Tile(props: TileProps & TileOptions): VNode {
  const { status } = props.entry;
  return (
    <div class="dreambooth-tile" data-status={status} data-selected={props.selected || undefined}>
      {props.children ??
        (status === "ready" ? <Ready {...props} /> : status === "missing" ? <Missing {...props} /> : null)}
    </div>
  );
}

function Ready({ entry, total, store, large, selected, active, ...on }: TileProps & TileOptions): VNode {
  const source = (large ? store.url(entry.id, "preview") : undefined) ?? store.url(entry.id, "thumbnail");
  const lacking = !source;
  const { about = "", place = entry.index, patience = LOST_AFTER } = on;
  useEffect(() => {
    if (!lacking) return;
    const timer = setTimeout(() => store.want(entry, "thumbnail").catch(() => undefined), patience);
    return () => clearTimeout(timer);
  }, [entry.id, lacking]);
  const number = `picture ${place + 1}${about}`;
  const tabIndex = active ? 0 : -1;
  return (
    <>
      <Button
        class="dreambooth-open"
        aria-label={nameOf(entry, place, total, "Open picture") + about}
        tabIndex={tabIndex}
        onClick={on.onOpen}
      >
        {source && <img src={source} alt="" decoding="async" />}
      </Button>
      <input
        type="checkbox"
        aria-label={`Select ${number}`}
        checked={selected}
        tabIndex={tabIndex}
        onChange={(event) => on.onSelect(event.currentTarget.checked)}
        {...OWN_KEYS}
      />
      <Button
        class="dreambooth-save"
        aria-label={`Download ${number}`}
        title="Download"
        tabIndex={tabIndex}
        onClick={on.onDownload}
      >
        <Icon name="down" />
      </Button>
    </>
  );
}

function Missing({ entry, active, about = "", place = entry.index, onRetry }: TileProps & TileOptions): VNode {
  return (
    <>
      <Icon name="broken" />
      <p title={entry.reason}>{entry.reason || "could not be loaded"}</p>
      <Button aria-label={`Retry picture ${place + 1}${about}`} tabIndex={active ? 0 : -1} onClick={onRetry}>
        Retry
      </Button>
    </>
  );
}
