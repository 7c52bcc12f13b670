/** A spot of one picture at 100 %: one pixel of the picture is one CSS pixel. */
import type { VNode } from "preact";
import { type Point, type Size, sizeOf, type View } from "../lightbox/geometry";
import type { CropBox, PictureEntry } from "../model/messages";
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
  const { width, height } = sizeOf(entry);
  const { left, top, box } = lensAt(spot, frame, { width, height }, view);
  const original = store.url(entry.id, "original");
  const crop = useCrop(store, entry, original ? null : box);
  const under = original ?? store.url(entry.id, "preview") ?? store.url(entry.id, "thumbnail");
  const part = ([x, y, right, bottom]: CropBox) => ({
    width: `${right - x}px`,
    height: `${bottom - y}px`,
    transform: `translate(${x - box[0]}px, ${y - box[1]}px)`,
  });
  return (
    <div
      class="dreambooth-lens"
      aria-hidden="true"
      data-sharp={original || String(crop?.box) === String(box) || undefined}
      style={{ ...part(box), transform: `translate(${left}px, ${top}px)` }}
    >
      <img src={under} alt="" style={part([0, 0, width, height])} />
      {!original && crop && <img src={crop.url} alt="" style={part(crop.box)} />}
      <small>Preview</small>
    </div>
  );
}
