/** The pictures as a list of buttons. One tile is in the Tab order; arrows, Home and End lead on from there. */
import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { UNASKED_PREVIEWS, UNASKED_THUMBNAILS } from "../model/constants";
import type { PictureEntry } from "../model/messages";
import type { PictureStore } from "../model/pictureStore";
import { Button } from "../ui/Button";
import { nextTile } from "./gridNavigation";
import { click, type Selection, toggle } from "./selection";
import type { TileProps } from "./Tile";
import { useLongPress } from "./useLongPress";

/** What fills the first screen. The rest of the page is drawn below, once the first ones have their pictures. */
const FIRST = 24;
/** Milliseconds after which it is drawn anyway. */
const AT_LATEST = 1000;
/** Until the first ones are painted: their decoding and the drawing of the rest would stand in each other's way. */
const PAINTED = 100;
const ONE_EDGE = 512;
const NO_MODIFIER = { ctrlKey: false, metaKey: false, shiftKey: false };

type Modifiers = typeof NO_MODIFIER;

export type Size = "S" | "M" | "L";
export const TILE_EDGE: Record<Size, number> = { S: 112, M: 180, L: 288 };

/** What there is to draw, of which the grid takes no more than it draws. An array is one. */
export interface PictureList {
  readonly length: number;
  slice(from: number, to: number): PictureEntry[];
}

interface Props {
  pictures: PictureList;
  tile(props: TileProps): VNode;
  /** Tiles are as large as `size` says however few there are: for a gallery of which only a part is shown. */
  steady?: boolean;
  store: PictureStore;
  size: Size;
  /** Whether waiting pictures may still come. */
  live: boolean;
  /** Whether a cell holds the kernel, so that a retry has to wait for it. */
  busy?: boolean;
  selected: ReadonlySet<number>;
  /** A picture's index whose tile takes the focus, each time that this is a new object. */
  focus: { index: number } | null;
  onOpen(entry: PictureEntry): void;
  onSelect(indices: Iterable<number>): void;
  onSelectAll(): void;
  onDownload(entry: PictureEntry): void;
  onRetry(entry: PictureEntry): void;
}

/** Width to height of the tiles: the first known picture's, within reason. */
export function shapeOf(pictures: PictureEntry[]): number {
  const known = pictures.find((entry) => entry.width && entry.height);
  return known?.width && known.height ? Math.min(2, Math.max(0.5, known.width / known.height)) : 1;
}

export function Grid(props: Props): VNode {
  const { pictures, selected } = props;
  const list = useRef<HTMLUListElement>(null);
  const [shown, setShown] = useState(FIRST);
  const [active, setActive] = useState(-1);
  const entries = pictures.slice(0, shown);
  const stops = entries.filter((entry) => entry.status !== "waiting");
  const stop = stops.some((entry) => entry.index === active) ? active : stops[0]?.index;

  const focusOn = (index: number): void => {
    setActive(index);
    tileOf(list.current, index)?.querySelector("button")?.focus();
  };
  const lacking = shown < UNASKED_THUMBNAILS && entries.some(({ id }) => id && !props.store.url(id, "thumbnail"));
  useEffect(() => {
    const timer = setTimeout(() => setShown((now) => Math.max(now, UNASKED_THUMBNAILS)), lacking ? AT_LATEST : PAINTED);
    return () => clearTimeout(timer);
  }, [lacking]);
  // A focus that was requested before this list stood in the page is done with.
  const done = useRef(props.focus);
  useLayoutEffect(() => {
    if (!props.focus || props.focus === done.current) return;
    const { index } = props.focus;
    const at = pictures.slice(0, pictures.length).findIndex((entry) => entry.index === index);
    if (at >= shown) setShown(at + 1);
    else {
      done.current = props.focus;
      focusOn(index);
    }
  }, [props.focus, shown]);

  const anchor = useRef<number | null>(null);
  const select = (next: Selection): void => {
    anchor.current = next.anchor;
    props.onSelect(next.selected);
  };
  const selection = (): Selection => ({ selected, anchor: anchor.current });
  const onClick = (entry: PictureEntry, event: Modifiers): void => {
    const order = entries.filter(({ status }) => status === "ready").map(({ index }) => index);
    const next = click(selection(), entry.index, order, event);
    if (next) select(next);
    else props.onOpen(entry);
  };
  const longPress = useLongPress((index) => select(toggle(selection(), index)));
  const onKeyDown = (event: KeyboardEvent): void => {
    const tile = (event.target as Element).closest<HTMLElement>("li");
    if (!tile || !list.current) return;
    const index = Number(tile.dataset.index);
    const [columns, rtl] = layoutOf(list.current);
    const position = entries.findIndex((entry) => entry.index === index);
    const stands = entries.map((entry) => entry.status !== "waiting");
    const modified = event.altKey || event.metaKey || event.ctrlKey;
    const target = modified ? undefined : entries[nextTile(event.key, position, stands, columns, rtl)];
    const onTile = (event.target as Element).classList.contains("dreambooth-open");
    if (target) {
      focusOn(target.index);
      anchor.current ??= index;
      if (event.shiftKey && target.status === "ready") onClick(target, { ...NO_MODIFIER, shiftKey: true });
      else if (!event.shiftKey) anchor.current = null;
    } else if (event.key === " " && onTile) select(toggle(selection(), index));
    else if (event.key === "a" && (event.ctrlKey || event.metaKey)) props.onSelectAll();
    else if (event.key === "Escape" && selected.size) props.onSelect([]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const one = pictures.length === 1 && !props.steady ? entries[0] : undefined;
  const shape = one?.width && one.height ? one.width / one.height : shapeOf(entries);
  const edge = one ? Math.min(ONE_EDGE, one.width ?? ONE_EDGE, (one.height ?? ONE_EDGE) * shape, ONE_EDGE * shape) : 0;
  const style = {
    "--db-shape": String(shape),
    "--db-tile": `${one ? edge : TILE_EDGE[props.size]}px`,
    // On a telephone two stand beside each other.
    "--db-least": one || props.size === "L" ? "100%" : "calc(50% - 4px)",
    // One is no wider than itself; a few may grow, so that their row is filled.
    "--db-count": String(one ? 1 : pictures.length * 2),
  };
  return (
    <>
      <ul
        ref={list}
        // biome-ignore lint/a11y/noRedundantRoles: Safari forgets that a list without bullets is a list
        role="list"
        aria-label="Pictures"
        data-four={(pictures.length === 4 && props.size === "M") || undefined}
        data-live={props.live || undefined}
        style={style}
        onKeyDown={onKeyDown}
        {...longPress}
        onFocusIn={(event) => {
          const index = (event.target as Element).closest<HTMLElement>("li")?.dataset.index;
          if (index !== undefined) setActive(Number(index));
        }}
      >
        {entries.map((entry, position) => (
          <li key={entry.index} data-index={entry.index}>
            {props.tile({
              entry,
              position,
              total: pictures.length,
              store: props.store,
              large: pictures.length <= UNASKED_PREVIEWS && props.size !== "S",
              selected: selected.has(entry.index),
              active: entry.index === stop,
              busy: props.busy ?? false,
              onOpen: (event) => onClick(entry, event),
              onSelect: (on) => select(toggle(selection(), entry.index, on)),
              onDownload: () => props.onDownload(entry),
              onRetry: () => props.onRetry(entry),
            })}
          </li>
        ))}
      </ul>
      {pictures.length > Math.max(shown, UNASKED_THUMBNAILS) && (
        <Button onClick={() => setShown(shown + UNASKED_THUMBNAILS)}>Show more ({pictures.length - shown} left)</Button>
      )}
    </>
  );
}

export const readyIndices = (pictures: PictureEntry[]): number[] =>
  pictures.filter((entry) => entry.status === "ready").map((entry) => entry.index);

const tileOf = (list: Element | null, index: number): Element | null | undefined =>
  list?.querySelector(`[data-index="${index}"]`);

function layoutOf(list: Element): [columns: number, rtl: boolean] {
  const { gridTemplateColumns, direction } = getComputedStyle(list);
  // Columns that auto-fit has folded up are still listed, as "0px".
  return [gridTemplateColumns.split(" ").filter((width) => parseFloat(width)).length || 1, direction === "rtl"];
}
