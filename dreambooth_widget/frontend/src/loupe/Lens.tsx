/** A spot of one picture at 100 %: one pixel of the picture is one CSS pixel. */
import type { VNode } from "preact";
import { type Point, type Size, sizeOf, type View } from "../lightbox/geometry";
import type { PictureEntry } from "../model/messages";
import type { PictureStore } from "../model/pictureStore";
import { lensAt } from "./lensGeometry";
import { useCrop } from "./useCrop";

interface LensProps {
  entry: PictureEntry;
  store: PictureStore;
  /** Shares of the picture's width and height. */
  spot: Point;
  /** What the lens does not leave. */
  frame: Size;
  /** The picture's in the frame. */
  view: View;
}

export function Lens({ entry, store, spot, frame, view }: LensProps): VNode {
  const picture = sizeOf(entry);
  const { left, top, box } = lensAt(spot, frame, picture, view);
  const [x, y, width, height] = box;
  const original = store.url(entry.id, "original");
  const crop = useCrop(store, entry, original ? null : box);
  const sharp = original || String(crop?.box) === String(box);
  const under = original ?? store.url(entry.id, "preview") ?? store.url(entry.id, "thumbnail");
  const at = (from: number, to: number) => `translate(${from - x}px, ${to - y}px)`;
  return (
    <div
      class="dreambooth-lens"
      aria-hidden="true"
      data-sharp={sharp || undefined}
      style={{ transform: `translate(${left}px, ${top}px)`, width: `${width}px`, height: `${height}px` }}
    >
      <img src={under} alt="" style={{ width: `${picture.width}px`, height: `${picture.height}px`, transform: at(0, 0) }} />
      {!original && crop && (
        <img
          src={crop.url}
          alt=""
          style={{ width: `${crop.box[2]}px`, height: `${crop.box[3]}px`, transform: at(crop.box[0], crop.box[1]) }}
        />
      )}
      <small>Preview</small>
    </div>
  );
}
