/** The pictures as a list of buttons. One tile is in the Tab order; arrows, Home and End lead on from there. */
import { Component, type Ref, type RefObject, type VNode } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Fact } from "../card/pictureFacts";
import { UNASKED_PREVIEWS, UNASKED_THUMBNAILS } from "../model/constants";
import type { PictureEntry } from "../model/messages";
import type { PictureStore } from "../model/pictureStore";
import { offerFile } from "./dragOut";
import { nextTile } from "./gridNavigation";
import { type Box, justifiedRows, type Shape } from "./justifiedRows";
import { usePictureMenu } from "./PictureMenu";
import { click, type Selection, toggle } from "./selection";
import type { TileProps } from "./Tile";
import { type Band, useDrawnBand } from "./useDrawnBand";
import { useLongPress } from "./useLongPress";

/** What fills the first screen. More is drawn once these have their pictures. */
const FIRST = 24;
/** Milliseconds after which it is drawn anyway. */
const AT_LATEST = 1000;
/** Until the first ones are painted: their decoding and the drawing of the rest would stand in each other's way. */
const PAINTED = 100;
/** CSS pixels along the longer edge of a tile, from which a thumbnail of 384 looks blurred. */
const LARGE = 576;
/** Of the list, in CSS pixels, until it is measured. */
const WIDTH = 640;
const NO_MODIFIER = { ctrlKey: false, metaKey: false, shiftKey: false };

type Modifiers = typeof NO_MODIFIER;

export type Size = "S" | "M" | "L";
/** Heights of rows, in CSS pixels. */
const ROW_HEIGHT: Record<Size, number> = { S: 112, M: 180, L: 288 };

/** The pictures in their order. An array is one. */
export interface PictureList {
  readonly length: number;
  slice(from: number, to: number): PictureEntry[];
}

interface Props {
  pictures: PictureList;
  /** Draws a tile. The same function as long as it draws the same. */
  tile(props: TileProps): VNode;
  /** Rows stay as high as `size` says, however few there are: for a gallery that grows, or of which a part is shown. */
  steady?: boolean;
  /** CSS pixels that each tile needs below it. */
  below?: number;
  store: PictureStore;
  size: Size;
  /** Whether waiting pictures may still come. */
  live: boolean;
  selected: ReadonlySet<number>;
  /** A picture's index whose tile takes the focus, each time that this is a new object. */
  focus: { index: number } | null;
  onOpen(entry: PictureEntry): void;
  onSelect(indices: Iterable<number>): void;
  onSelectAll(): void;
  onDownload(entry: PictureEntry): void;
  onRetry(entry: PictureEntry): void;
  /** Its menu copies seed and prompt. */
  factsOf(entry: PictureEntry): Fact[];
}

/** Of every picture; an unknown one is taken to be like the first known one. */
export function shapesOf(pictures: PictureEntry[]): Shape[] {
  const known = pictures.find((entry) => entry.width && entry.height);
  const ratio = known?.width && known.height ? known.width / known.height : 1;
  return pictures.map(({ width, height }) => ({ ratio: width && height ? width / height : ratio, width, height }));
}

export function Grid(props: Props): VNode {
  const { pictures, selected, below = 0 } = props;
  const list = useRef<HTMLUListElement>(null);
  const width = useWidth(list);
  const [active, setActive] = useState(-1);
  // Once for all steps of scrolling: of thousands they take some milliseconds.
  const entries = useMemo(() => pictures.slice(0, pictures.length), [pictures]);
  const { boxes, height } = useMemo(
    () => justifiedRows(shapesOf(entries), { width, target: ROW_HEIGHT[props.size], below, spread: !props.steady }),
    [entries, width, props.size, below, props.steady],
  );
  const stops = entries.filter((entry) => entry.status !== "waiting");
  const stop = stops.some((entry) => entry.index === active) ? active : stops[0]?.index;

  const lacks = ({ id }: PictureEntry): boolean => id !== "" && !props.store.url(id, "thumbnail");
  const [started, setStarted] = useState(false);
  const lacking = !started && entries.slice(0, FIRST).some(lacks);
  useEffect(() => {
    const timer = setTimeout(() => setStarted(true), lacking ? AT_LATEST : PAINTED);
    return () => clearTimeout(timer);
  }, [lacking]);
  const long = entries.length > UNASKED_THUMBNAILS;
  const drawn = useDrawnBand(list, started && long);
  const { band } = drawn;
  const isDrawn = (position: number): boolean => {
    if (!started) return position < FIRST;
    const { top, height } = boxes[position] as Box;
    return !long || (top < band.bottom && top + height + below > band.top);
  };
  const positions = entries.map((_, position) => position);
  // The tile that has the focus, or will have it, stays: without it the focus would fall out of the list.
  const shown = positions.filter((position) => isDrawn(position) || entries[position]?.index === stop);

  const openerOf = (index: number) => list.current?.querySelector<HTMLElement>(`[data-index="${index}"] button`);
  const wanted = useRef(-1);
  const focusOn = (index: number): void => {
    wanted.current = index;
    setActive(index);
    takeFocus();
  };
  const takeFocus = (): void => {
    const button = openerOf(wanted.current);
    if (!button) return;
    wanted.current = -1;
    button.focus();
  };
  useLayoutEffect(takeFocus);
  // A focus that was requested before this list stood in the page is done with.
  const done = useRef(props.focus);
  useLayoutEffect(() => {
    if (!props.focus || props.focus === done.current) return;
    done.current = props.focus;
    focusOn(props.focus.index);
  }, [props.focus]);

  const anchor = useRef<number | null>(null);
  const select = (next: Selection): void => {
    anchor.current = next.anchor;
    props.onSelect(next.selected);
  };
  const selection = (): Selection => ({ selected, anchor: anchor.current });
  const onClick = (entry: PictureEntry, event: Modifiers): void => {
    const order = entries.filter(({ status }) => status === "ready").map(({ index }) => index);
    const next = click(selection(), entry.index, order, event);
    if (next) {
      select(next);
      focusOn(entry.index);
    } else props.onOpen(entry);
  };
  /** The ready picture that an event is about. */
  const pictureAt = ({ target }: Event): PictureEntry | undefined => {
    const index = Number((target as Element).closest<HTMLElement>("li")?.dataset.index);
    return entries.find((entry) => entry.index === index && entry.status === "ready");
  };
  const menu = usePictureMenu({ ...props, onSave: props.onDownload });
  const onContextMenu = (event: MouseEvent): void => {
    longPress.onContextMenu(event);
    const entry = pictureAt(event);
    const opener = entry && openerOf(entry.index);
    if (!event.defaultPrevented && opener) menu.open(event, entry, opener);
  };
  const onDragStart = (event: DragEvent): void => {
    longPress.onDragStart(event);
    const entry = pictureAt(event);
    if (!event.defaultPrevented && entry && event.dataTransfer) offerFile(event.dataTransfer, entry, props.store);
  };
  const onPointerDown = (event: PointerEvent): void => {
    longPress.onPointerDown(event);
    // JupyterLab would select cells: it does so at the press of the mouse that follows this event.
    if (event.shiftKey && pictureAt(event)) event.preventDefault();
    // Whoever presses a picture opens it or drags it out: either way this is what is needed next.
    const entry = event.button === 0 && isOpener(event.target) && pictureAt(event);
    if (entry && !event.ctrlKey && !event.metaKey && !event.shiftKey)
      props.store.want(entry, "preview").catch(() => {});
  };
  const on = useRef({} as Handlers);
  const onCheck = (entry: PictureEntry, on: boolean, event: Modifiers): void => {
    if (event.shiftKey) onClick(entry, event);
    else select(toggle(selection(), entry.index, on));
  };
  on.current = { open: onClick, check: onCheck, ...props };
  const longPress = useLongPress((index) => select(toggle(selection(), index)));
  const onKeyDown = (event: KeyboardEvent): void => {
    longPress.onKeyDown();
    const tile = (event.target as Element).closest<HTMLElement>("li");
    if (!tile || !list.current) return;
    const index = Number(tile.dataset.index);
    const rtl = getComputedStyle(list.current).direction === "rtl";
    const position = entries.findIndex((entry) => entry.index === index);
    const stands = entries.map((entry) => entry.status !== "waiting");
    const modified = event.altKey || event.metaKey || event.ctrlKey;
    const target = modified ? undefined : entries[nextTile(event.key, position, stands, boxes, rtl)];
    if (target) {
      focusOn(target.index);
      anchor.current ??= index;
      if (event.shiftKey && target.status === "ready") onClick(target, { ...NO_MODIFIER, shiftKey: true });
      else if (!event.shiftKey) anchor.current = null;
    } else if (event.key === " " && isOpener(event.target)) select(toggle(selection(), index));
    else if (event.key === "a" && (event.ctrlKey || event.metaKey)) props.onSelectAll();
    else if (event.key === "Escape" && selected.size) props.onSelect([]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <>
      <ul
        ref={list}
        // biome-ignore lint/a11y/noRedundantRoles: Safari forgets that a list without bullets is a list
        role="list"
        aria-label="Pictures"
        data-live={props.live || undefined}
        data-long={long || undefined}
        style={{ blockSize: `${height}px` }}
        {...longPress}
        onKeyDown={onKeyDown}
        onPointerDown={onPointerDown}
        onContextMenu={onContextMenu}
        onDragStart={onDragStart}
        onFocusIn={(event) => {
          const index = (event.target as Element).closest<HTMLElement>("li")?.dataset.index;
          if (index !== undefined) setActive(Number(index));
        }}
      >
        {shown.map((position) => {
          const [entry, box] = [entries[position] as PictureEntry, boxes[position] as Box];
          const kind = isLarge(box, pictures.length, props.size) ? "preview" : "thumbnail";
          const best = props.store.url(entry.id, kind);
          return (
            <Item
              key={entry.index}
              {...box}
              draw={props.tile}
              on={on}
              entry={entry}
              position={position}
              total={pictures.length}
              store={props.store}
              kind={kind}
              source={best ?? props.store.url(entry.id, "thumbnail")}
              lacking={!best}
              selected={selected.has(entry.index)}
              active={entry.index === stop}
              offline={props.store.offline}
            />
          );
        })}
        {long && (
          <>
            <Undrawn at={drawn.above} top={0} bottom={boxes.find((_, position) => isDrawn(position))?.top ?? height} />
            <Undrawn
              at={drawn.below}
              top={endOf(
                boxes.findLast((_, position) => isDrawn(position)),
                below,
              )}
              bottom={height}
            />
          </>
        )}
      </ul>
      {menu.drawn}
    </>
  );
}

export const readyIndices = (pictures: PictureEntry[]): number[] =>
  pictures.filter((entry) => entry.status === "ready").map((entry) => entry.index);

/** Whether the preview is worth showing: the kernel sends those of a few pictures, and a wide tile would blur a thumbnail. */
const isLarge = ({ width, height }: Box, count: number, size: Size): boolean =>
  (count <= UNASKED_PREVIEWS && size !== "S") || Math.max(width, height) > LARGE;

/** Whether an element is the picture in its tile, and not one of the controls over it. */
const isOpener = (target: EventTarget | null): boolean => !!(target as Element).closest(".dreambooth-open");

const endOf = (box: Box | undefined, below: number): number => (box ? box.top + box.height + below : 0);

/** What tiles do, at the latest drawing of the grid. */
interface Handlers {
  open(entry: PictureEntry, event: Modifiers): void;
  check(entry: PictureEntry, on: boolean, event: Modifiers): void;
  onDownload(entry: PictureEntry): void;
  onRetry(entry: PictureEntry): void;
}

interface ItemProps extends Omit<TileProps, "onOpen" | "onSelect" | "onDownload" | "onRetry">, Box {
  draw: Props["tile"];
  on: RefObject<Handlers>;
}

/** A tile in its place. Drawn anew only when one of its properties has changed: while a gallery is scrolled, few have. */
class Item extends Component<ItemProps> {
  override shouldComponentUpdate(next: ItemProps): boolean {
    return (Object.keys(next) as (keyof ItemProps)[]).some((name) => next[name] !== this.props[name]);
  }

  override render({ draw, on, row, start, top, width, height, ...tile }: ItemProps): VNode {
    const { entry } = tile;
    const now = (): Handlers => on.current as Handlers;
    return (
      <li data-index={entry.index} style={placed({ row, start, top, width, height })}>
        {draw({
          ...tile,
          onOpen: (event) => now().open(entry, event),
          onSelect: (selected, event) => now().check(entry, selected, event),
          onDownload: () => now().onDownload(entry),
          onRetry: () => now().onRetry(entry),
        })}
      </li>
    );
  }
}

const placed = ({ start, top, width, height }: Box) => ({
  insetInlineStart: `${start}px`,
  insetBlockStart: `${top}px`,
  inlineSize: `${width}px`,
  "--db-height": `${height}px`,
});

/** Covers what is not drawn. */
const Undrawn = ({ at, top, bottom }: Band & { at: Ref<HTMLLIElement> }): VNode => (
  <li ref={at} role="presentation" aria-hidden="true" style={{ top: `${top}px`, height: `${bottom - top}px` }} />
);

/** The width of the list in CSS pixels: before the first frame, and whenever it changes. */
function useWidth(list: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(WIDTH);
  useLayoutEffect(() => {
    const element = list.current as HTMLElement;
    const measure = (): void => setWidth(Math.floor(element.getBoundingClientRect().width) || WIDTH);
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  return width;
}
