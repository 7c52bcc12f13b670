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

/** CSS pixels that are drawn on each side of what is in sight. */
const AROUND = 600;

/** The band, and the references of the two elements. `watching` only once the first screen is there. */
export function useDrawnBand(list: RefObject<HTMLElement | null>, watching: boolean) {
  const [band, setBand] = useState<Band>({ top: 0, bottom: 4 * AROUND });
  const above = useRef<HTMLLIElement>(null);
  const below = useRef<HTMLLIElement>(null);
  useLayoutEffect(() => {
    if (!watching) return;
    const seen = (entries: IntersectionObserverEntry[]): void => {
      const start = list.current?.getBoundingClientRect().top ?? 0;
      for (const { isIntersecting, intersectionRect: seen, target } of entries) {
        // One that covers nothing intersects too.
        if (!isIntersecting || !seen.height) continue;
        // It is known which part of one of the two is in sight. What is in sight beside it, towards what is drawn, is no
        // higher than the screen. No more than that is drawn at once: a reader who scrolls on would feel it.
        const [before, behind] = target === above.current ? [0, screen.height] : [screen.height, 0];
        setBand({ top: seen.top - start - AROUND - before, bottom: seen.bottom - start + AROUND + behind });
      }
    };
    // The margin lets it follow before anything undrawn is in sight. Browsers without `scrollMargin` follow a frame later.
    const margin = `${AROUND / 2}px`;
    const observer = new IntersectionObserver(seen, { rootMargin: margin, scrollMargin: margin } as object);
    for (const { current } of [above, below]) if (current) observer.observe(current);
    return () => observer.disconnect();
    // Observed anew after each change: one that is still in sight, after a quick scroll, would report nothing.
  }, [watching, band]);
  return { band, above, below };
}
