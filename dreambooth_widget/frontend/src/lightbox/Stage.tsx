import type { VNode } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { isRightToLeft } from "./Dialog";
import { type Size, swipe } from "./geometry";
import { type Gestures, trackGestures } from "./gestures";
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
  const [held, setHeld] = useState(false);
  const [aside, setAside] = useState(0);
  const latest = useRef<Gestures | null>(null);
  latest.current = {
    move(shift, factor, at) {
      if (viewing.zoomed || factor !== 1) return viewing.move(shift, factor, at);
      setAside((before) => before + shift.x);
    },
    end(total) {
      setHeld(false);
      setAside(0);
      const side = total && !viewing.zoomed ? swipe(total, stage) : 0;
      if (side) onTurn(isRightToLeft(ref.current as HTMLElement) ? side : -side);
    },
    double: viewing.toggle,
  };

  useLayoutEffect(() => {
    const element = ref.current as HTMLDivElement;
    const stop = new AbortController();
    trackGestures(element, () => latest.current as Gestures, stop.signal);
    element.addEventListener("pointerdown", () => setHeld(true), { signal: stop.signal });
    const observer = new ResizeObserver(() => onSize({ width: element.clientWidth, height: element.clientHeight }));
    observer.observe(element);
    return () => {
      stop.abort();
      observer.disconnect();
    };
  }, []);

  const { x, y, scale } = viewing.view;
  const transform = `translate(-50%, -50%) translate(${x + aside}px, ${y}px) scale(${scale})`;
  return (
    <div
      ref={ref}
      class="dreambooth-stage"
      data-held={held || undefined}
      data-zoomed={viewing.zoomed || undefined}
      aria-busy={shown.busy}
    >
      {stage.width > 0 && (
        <img
          key={id}
          src={shown.url}
          alt={alt}
          draggable={false}
          data-crisp={scale * devicePixelRatio >= CRISP || undefined}
          style={{ width: `${picture.width}px`, height: `${picture.height}px`, transform }}
        />
      )}
    </div>
  );
}
