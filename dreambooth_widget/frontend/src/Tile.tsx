/** One picture of the grid: a placeholder, the picture with its controls, or a drawn mark with the reason. */
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { Button } from "./Button";
import { Icon } from "./icons";
import { OWN_KEYS } from "./keys";
import { nameOf } from "./metadata";
import type { PictureStore } from "./pictureStore";
import type { PictureEntry } from "./wire";

/** Thumbnails come unasked; one that has not come by then was lost on the way. */
const LOST_AFTER = 4000;

export interface TileProps {
  entry: PictureEntry;
  total: number;
  store: PictureStore;
  /** Whether the tile is so large that the preview is worth showing. */
  large: boolean;
  selected: boolean;
  /** Whether Tab leads here: one tile of the grid. */
  active: boolean;
  onOpen(): void;
  onSelect(on: boolean): void;
  onSave(): void;
  onRetry(): void;
}

export function Tile(props: TileProps): VNode {
  const { entry } = props;
  return (
    <li
      class="dreambooth-tile"
      data-index={entry.index}
      data-status={entry.status}
      data-selected={props.selected || undefined}
    >
      {entry.status === "ready" ? <Ready {...props} /> : entry.status === "missing" ? <Missing {...props} /> : null}
    </li>
  );
}

function Ready({ entry, total, store, large, selected, active, ...on }: TileProps): VNode {
  const source = (large ? store.url(entry.id, "preview") : undefined) ?? store.url(entry.id, "thumbnail");
  const lacking = !source;
  useEffect(() => {
    if (!lacking) return;
    const timer = setTimeout(() => store.want(entry, "thumbnail").catch(() => undefined), LOST_AFTER);
    return () => clearTimeout(timer);
  }, [entry.id, lacking]);
  const number = entry.index + 1;
  const tabIndex = active ? 0 : -1;
  return (
    <>
      <Button
        class="dreambooth-open"
        aria-label={nameOf(entry, entry.index, total, "Open picture")}
        tabIndex={tabIndex}
        onClick={on.onOpen}
      >
        {source && <img src={source} alt="" decoding="async" />}
      </Button>
      <input
        type="checkbox"
        aria-label={`Select picture ${number}`}
        checked={selected}
        tabIndex={tabIndex}
        onChange={(event) => on.onSelect(event.currentTarget.checked)}
        {...OWN_KEYS}
      />
      <Button
        class="dreambooth-save"
        aria-label={`Download picture ${number}`}
        title="Download"
        tabIndex={tabIndex}
        onClick={on.onSave}
      >
        <Icon name="down" />
      </Button>
    </>
  );
}

function Missing({ entry, active, onRetry }: TileProps): VNode {
  return (
    <>
      <Icon name="broken" />
      <p title={entry.reason}>{entry.reason || "could not be loaded"}</p>
      <Button aria-label={`Retry picture ${entry.index + 1}`} tabIndex={active ? 0 : -1} onClick={onRetry}>
        Retry
      </Button>
    </>
  );
}
