/** What pointers and the wheel do on an element, and how large it is. */
import type { RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Size } from "./geometry";
import { type Gestures, trackGestures } from "./gestures";

/** Calls the handlers of the latest drawing. Returns whether a pointer holds the element. */
export function useGestures(
  ref: RefObject<HTMLElement | null>,
  gestures: Gestures,
  onSize: (size: Size) => void,
): boolean {
  const [held, setHeld] = useState(false);
  const latest = useRef({ gestures, onSize });
  latest.current = { gestures, onSize };
  useLayoutEffect(() => {
    const element = ref.current as HTMLElement;
    const stop = new AbortController();
    const end: Gestures["end"] = (total) => {
      setHeld(false);
      latest.current.gestures.end(total);
    };
    trackGestures(element, () => ({ ...latest.current.gestures, end }), stop.signal);
    element.addEventListener("gotpointercapture", () => setHeld(true), { signal: stop.signal });
    const measure = (): void => latest.current.onSize({ width: element.clientWidth, height: element.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => {
      stop.abort();
      observer.disconnect();
    };
  }, []);
  return held;
}
