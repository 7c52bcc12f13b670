/**
 * Which part of a long gallery is drawn: what is in sight and something around it. Two elements of the list cover what is not
 * drawn above and below; when one of them comes into sight, the part follows.
 */
import type { RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

/** CSS pixels of the list, from its top. */
export interface Band {
  top: number;
  bottom: number;
}

/**
 * CSS pixels: how far from what is in sight the undrawn has to be, and how much is drawn at once when it comes nearer. A
 * row or two cost less than a frame; a screen at once would be felt by a reader who scrolls on.
 */
const MARGIN = 300;
const STEP = 300;
/** Drawn until the reader scrolls. */
const FIRST_SCREENS = 2400;

/** The band, and the references of the two elements. `watching` only once the first screen is there. */
export function useDrawnBand(list: RefObject<HTMLElement | null>, watching: boolean) {
  const [band, setBand] = useState<Band>({ top: 0, bottom: FIRST_SCREENS });
  const above = useRef<HTMLLIElement>(null);
  const below = useRef<HTMLLIElement>(null);
  useLayoutEffect(() => {
    if (!watching) return;
    const seen = (entries: IntersectionObserverEntry[]): void => {
      const start = list.current?.getBoundingClientRect().top ?? 0;
      for (const { isIntersecting, boundingClientRect: whole, intersectionRect: seen, target } of entries) {
        // One that covers nothing intersects too. One that only touches the edge counts: nothing is reported when it
        // comes further.
        if (!isIntersecting || !whole.height) continue;
        // It is known which part of one of the two is in sight. What is in sight beside it, towards what is drawn, is no
        // higher than the screen; and the other one has to stay out of reach, or each would draw what the other covers.
        const far = screen.height + 4 * MARGIN + STEP;
        const [top, bottom] = target === above.current ? [-STEP, far] : [-far, STEP];
        const edge = (target === above.current ? seen.top : seen.bottom) - start;
        setBand({ top: edge + top, bottom: edge + bottom });
      }
    };
    // Both margins: one is of the page, the other of what scrolls in it. They add up where that is the page itself.
    // Browsers without `scrollMargin` follow a frame later.
    const margin = `${MARGIN}px`;
    const observer = new IntersectionObserver(seen, { rootMargin: margin, scrollMargin: margin } as object);
    for (const { current } of [above, below]) if (current) observer.observe(current);
    return () => observer.disconnect();
    // Observed anew after each change: one that is still in sight, after a quick scroll, would report nothing.
  }, [watching, band]);
  return { band, above, below };
}
