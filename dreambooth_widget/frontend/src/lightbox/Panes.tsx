/** The pictures of a comparison in their places: beside each other, or two over each other with an edge between them. */
import type { CSSProperties, TargetedMouseEvent, VNode } from "preact";
import { useRef } from "preact/hooks";
import { Lens } from "../loupe/Lens";
import { spotAt } from "../loupe/lensGeometry";
import type { Loupe } from "../loupe/useLoupe";
import type { PictureEntry } from "../model/messages";
import type { PictureStore } from "../model/pictureStore";
import { Button } from "../ui/Button";
import { kindFor, matchView, type Size, sizeOf, type View } from "./geometry";
import { ZoomedImage } from "./Stage";
import { useGestures } from "./useGestures";
import { usePicture } from "./usePicture";
import type { Viewing } from "./useView";

interface PanesProps {
  entries: PictureEntry[];
  labelOf(entry: PictureEntry): string;
  store: PictureStore;
  columns: number;
  /** Of each place, without its caption. */
  pane: Size;
  viewing: Viewing;
  /** Each place shows the next picture. */
  blink: boolean;
  /** How much of the first of two is seen over the second, in per cent; null side by side. */
  share: number | null;
  loupe: Loupe;
  /** The caption of a picture was pressed. */
  onMenu(event: TargetedMouseEvent<HTMLButtonElement>, entry: PictureEntry): void;
  onSize(size: Size): void;
  /** There is no sharper picture, for a reason; null where there is. */
  onSettled(reason: string | null): void;
}

export function Panes(props: PanesProps): VNode {
  const { entries, pane, viewing, blink, share, loupe, labelOf } = props;
  const ref = useRef<HTMLDivElement>(null);
  const held = useGestures(ref, { move: viewing.move, end: () => {}, double: viewing.toggle }, props.onSize);

  const first = sizeOf(entries[0] as PictureEntry);
  const point = (event: PointerEvent): void => {
    const frame = (event.target as Element).closest("[data-frame]")?.getBoundingClientRect();
    // All show the same spot, so the view of the first one tells which it is.
    if (frame) loupe.show(spotAt({ x: event.clientX, y: event.clientY }, frame, first, viewing.view));
  };
  const layer = (entry: PictureEntry, style: CSSProperties): VNode => (
    <Layer
      key={entry.index}
      entry={entry}
      label={labelOf(entry)}
      style={style}
      pane={pane}
      view={matchView(viewing.view, pane, first, sizeOf(entry))}
      store={props.store}
      loupe={loupe}
      onSettled={props.onSettled}
    />
  );
  // A button: without a mouse it is the way to the picture's menu.
  const caption = (entry: PictureEntry): VNode => (
    <figcaption dir="auto" data-index={entry.index}>
      <Button aria-haspopup="menu" onClick={(event) => props.onMenu(event, entry)}>
        {labelOf(entry)}
      </Button>
    </figcaption>
  );
  const [left, right] = blink ? entries.toReversed() : entries;
  const next = (place: number): PictureEntry => entries[(place + 1) % entries.length] as PictureEntry;
  return (
    <div
      ref={ref}
      class="dreambooth-panes"
      data-held={held || undefined}
      data-zoomed={viewing.zoomed || undefined}
      data-loupe={loupe.on || undefined}
      style={{ "--db-columns": props.columns }}
      onPointerMove={point}
      onPointerDownCapture={(event) => {
        point(event);
        // One finger has to do for both: with the loupe it moves the spot.
        if (loupe.on && event.pointerType === "touch") event.stopPropagation();
      }}
    >
      {share !== null && left && right ? (
        // Left stays left in every script: it names a side of the picture, not of the text.
        <figure dir="ltr">
          <div data-frame>
            {layer(left, { clipPath: `inset(0 ${100 - share}% 0 0)` })}
            {layer(right, { clipPath: `inset(0 0 0 ${share}%)` })}
          </div>
          {caption(left)}
          {caption(right)}
        </figure>
      ) : (
        entries.map((entry, place) => (
          <figure key={entry.index}>
            <div data-frame>
              {/* Both are drawn, one over the other: a new picture would be empty for a frame. */}
              {layer(next(place), { zIndex: blink ? 1 : 0 })}
              {layer(entry, { zIndex: blink ? 0 : 1 })}
            </div>
            {caption(blink ? next(place) : entry)}
          </figure>
        ))
      )}
    </div>
  );
}

interface LayerProps {
  entry: PictureEntry;
  label: string;
  style: CSSProperties;
  pane: Size;
  view: View;
  store: PictureStore;
  loupe: Loupe;
  onSettled(reason: string | null): void;
}

function Layer({ entry, label, style, pane, view, store, loupe, onSettled }: LayerProps): VNode {
  const picture = sizeOf(entry);
  const scale = view.scale * devicePixelRatio;
  // What is compared at 100 % is the picture itself, not what a preview made of it.
  const shown = usePicture(store, entry, scale > 0.99 ? "original" : kindFor(picture, scale), onSettled);
  return (
    <div
      class="dreambooth-layer"
      data-index={entry.index}
      style={style}
      aria-hidden={style.zIndex === 0 || undefined}
      aria-busy={shown.busy}
    >
      {pane.width > 0 && <ZoomedImage id={entry.id} url={shown.url} alt={label} picture={picture} view={view} />}
      {loupe.on && view.scale < 1 && <Lens {...{ entry, store, view }} spot={loupe.spot} frame={pane} />}
    </div>
  );
}
