/** The loupe over a gallery: hold Z, or press its button; every tile in sight shows the spot that lies under the pointer. */
import type { RefObject, VNode } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { sizeOf } from "../lightbox/geometry";
import { keyName } from "../lightbox/keymap";
import type { PictureEntry } from "../model/messages";
import type { PictureStore } from "../model/pictureStore";
import { Lens } from "./Lens";
import { spotAt } from "./lensGeometry";
import { useLoupe } from "./useLoupe";

interface Props {
  /** The card with the gallery. */
  root: RefObject<HTMLElement | null>;
  /** The button is pressed. */
  pinned: boolean;
  onUnpin(): void;
  entryAt(index: number): PictureEntry | undefined;
  store: PictureStore;
  speak(sentence: string): void;
}

/** Where the picture of a tile lies: CSS pixels from the layer's corner. */
interface Frame {
  index: number;
  left: number;
  top: number;
  width: number;
  height: number;
}

const TILES = "li[data-index]";

export function GridLoupe({ root, pinned, onUnpin, entryAt, store, speak }: Props): VNode {
  const layer = useRef<HTMLDivElement>(null);
  const [frames, setFrames] = useState<Frame[]>([]);
  const loupe = useLoupe(pinned, onUnpin);
  const latest = useRef({ loupe, pinned, entryAt });
  latest.current = { loupe, pinned, entryAt };
  const { on, spot } = loupe;

  useEffect(() => {
    const stop = new AbortController();
    const card = root.current as HTMLElement;
    listen(card, () => latest.current, stop.signal);
    return () => stop.abort();
  }, []);

  useLayoutEffect(() => {
    if (!on) return;
    const stop = new AbortController();
    const card = root.current as HTMLElement;
    const measure = (): void => setFrames(framesIn(card, layer.current as HTMLElement));
    const observer = new ResizeObserver(measure);
    observer.observe(card);
    // Whatever scrolls: the page, or the notebook's own panel.
    window.addEventListener("scroll", measure, { capture: true, signal: stop.signal });
    // A picture that has just come has a place only now.
    card.addEventListener("load", measure, { capture: true, signal: stop.signal });
    measure();
    return () => {
      stop.abort();
      observer.disconnect();
    };
  }, [on]);

  const spoken = useRef(false);
  useEffect(() => {
    if (on || spoken.current) speak(on ? "Loupe: every picture at 100%." : "Loupe off.");
    spoken.current = on;
  }, [on]);

  return (
    <div ref={layer} class="dreambooth-lenses" data-on={on || undefined} data-pinned={pinned || undefined}>
      {on &&
        frames.map(({ index, left, top, ...frame }) => {
          const entry = entryAt(index);
          if (!entry) return null;
          const view = { x: 0, y: 0, scale: frame.width / sizeOf(entry).width };
          return (
            <div key={index} style={{ left: `${left}px`, top: `${top}px` }}>
              <Lens {...{ entry, store, spot, frame, view }} />
            </div>
          );
        })}
    </div>
  );
}

/** Of every picture in sight. On whole pixels of the screen: between them a lens would be blurred. */
function framesIn(card: HTMLElement, layer: HTMLElement): Frame[] {
  const origin = layer.getBoundingClientRect();
  return [...card.querySelectorAll<HTMLElement>(`${TILES} .dreambooth-open img`)].flatMap((image) => {
    const { left, top, right, bottom, width, height } = image.getBoundingClientRect();
    const seen = width >= 1 && height >= 1 && bottom > 0 && right > 0 && top < innerHeight && left < innerWidth;
    const index = Number(image.closest<HTMLElement>(TILES)?.dataset.index);
    return seen
      ? { index, left: Math.round(left) - origin.left, top: Math.round(top) - origin.top, width, height }
      : [];
  });
}

interface Current {
  loupe: ReturnType<typeof useLoupe>;
  pinned: boolean;
  entryAt(index: number): PictureEntry | undefined;
}

/** Follows the pointer over the tiles, and the keys, until `signal` aborts. */
function listen(card: HTMLElement, current: () => Current, signal: AbortSignal): void {
  const options = { capture: true, signal };
  const point = (event: PointerEvent): void => {
    const image = (event.target as Element).closest(TILES)?.querySelector(".dreambooth-open img");
    if (!image) return;
    const frame = image.getBoundingClientRect();
    const size = { width: frame.width, height: frame.height };
    current().loupe.show(spotAt({ x: event.clientX, y: event.clientY }, frame, size, { x: 0, y: 0, scale: 1 }));
  };
  /** A finger moves the spot, so it neither opens nor selects. */
  const take = (event: Event): void => {
    const touch = (event as PointerEvent).pointerType === "touch";
    if (!touch || !current().pinned || !(event.target as Element).closest(`${TILES} .dreambooth-open`)) return;
    event.stopPropagation();
    if (event.type !== "pointerdown") event.preventDefault();
  };
  card.addEventListener("pointermove", point, options);
  card.addEventListener("pointerdown", point, options);
  for (const type of ["pointerdown", "click", "contextmenu"]) card.addEventListener(type, take, options);

  const press = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const target = event.composedPath()[0] as HTMLElement;
    const name = keyName(event);
    // Over a picture Z is ours wherever the focus is: in JupyterLab it would undo what was done to the cells.
    const ours = card.contains(target) || (name === "z" && !!card.querySelector("ul:hover"));
    if (!ours || isTypedInto(target) || !current().loupe.press(name)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  window.addEventListener("keydown", press, options);
  window.addEventListener("keyup", (event) => current().loupe.release(keyName(event)), options);
}

function isTypedInto(element: HTMLElement): boolean {
  return element.isContentEditable || element.matches("input:not([type=checkbox]), textarea, select");
}
