import type { RefObject, VNode } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { isRightToLeft } from "./Dialog";
import { type Size, swipe, type View } from "./geometry";
import type { Gestures } from "./gestures";
import { useGestures } from "./useGestures";
import type { LoadedPicture } from "./usePicture";
import type { Viewing } from "./useView";

/** Device pixels per pixel of the picture from which on its pixels are shown as squares. */
const CRISP = 2;

interface StageProps {
  /** What is drawn, and a new one makes a new image: the last one must not show through. */
  id: string;
  alt: string;
  picture: Size;
  shown: LoadedPicture;
  viewing: Viewing;
  stage: Size;
  onSize(size: Size): void;
  /** The picture was pushed aside: 1 for the next one in reading order, -1 for the one before. */
  onTurn(step: number): void;
}

export function Stage({ id, alt, picture, shown, viewing, stage, onSize, onTurn }: StageProps): VNode {
  const ref = useRef<HTMLDivElement>(null);
  const [aside, setAside] = useState(0);
  const gestures: Gestures = {
    move(shift, factor, at) {
      if (viewing.zoomed || factor !== 1) return viewing.move(shift, factor, at);
      setAside((before) => before + shift.x);
    },
    end(total) {
      setAside(0);
      const side = total && !viewing.zoomed ? swipe(total, stage) : 0;
      if (side) onTurn(isRightToLeft(ref.current as HTMLElement) ? side : -side);
    },
    double: viewing.toggle,
  };

  const held = useGestures(ref, gestures, onSize);

  const view = { ...viewing.view, x: viewing.view.x + aside };
  const image = { id, url: shown.url, alt, picture, view };
  const before = useBefore(image, ref);
  return (
    <>
      {before && (
        <div class="dreambooth-layer" aria-hidden="true">
          <ZoomedImage {...before} alt="" />
        </div>
      )}
      <div
        ref={ref}
        class="dreambooth-stage"
        data-held={held || undefined}
        data-zoomed={viewing.zoomed || undefined}
        aria-busy={shown.busy}
      >
        {stage.width > 0 && <ZoomedImage key={id} {...image} />}
      </div>
    </>
  );
}

interface ZoomedImageProps {
  /** What is drawn. A new one makes a new element: in the old one it would be drawn in the shape of the last. */
  id: string;
  url: string | undefined;
  alt: string;
  picture: Size;
  view: View;
}

export function ZoomedImage({ url, alt, picture, view: { x, y, scale } }: ZoomedImageProps): VNode {
  return (
    <img
      src={url}
      alt={alt}
      draggable={false}
      data-crisp={scale * devicePixelRatio >= CRISP || undefined}
      style={{
        width: `${picture.width}px`,
        height: `${picture.height}px`,
        transform: `translate(-50%, -50%) translate(${x}px, ${y}px) scale(${scale})`,
      }}
    />
  );
}

/** Milliseconds that the picture before may stand in for one of which nothing has come from the kernel. */
const STAND_IN = 400;

/** The image that was drawn before, as long as the new one is not decoded: a new element is empty for a frame or more. */
function useBefore(image: ZoomedImageProps, stage: RefObject<HTMLElement | null>): ZoomedImageProps | null {
  const last = useRef(image);
  const before = useRef<ZoomedImageProps | null>(null);
  const [, redraw] = useState({});
  if (last.current.id !== image.id) before.current ??= last.current;
  last.current = image;
  // A layout effect: a sharper file ends the decoding of the one before, which must not count as the end of this one.
  useLayoutEffect(() => {
    if (!before.current) return;
    let over = false;
    const leave = (): void => {
      if (over) return;
      before.current = null;
      redraw({});
    };
    const timer = image.url ? 0 : setTimeout(leave, STAND_IN);
    if (image.url) stage.current?.querySelector("img")?.decode().then(leave, leave);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [image.id, image.url]);
  return before.current;
}
