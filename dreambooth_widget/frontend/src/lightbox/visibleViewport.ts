/**
 * The part of this frame that the reader sees.
 *
 * VS Code shows a notebook's outputs in one sandboxed frame of many thousand pixels, Colab each output in a frame
 * of its own height. "The window" of such a frame is mostly out of sight, and so would a modal dialog be.
 */

/** CSS pixels from the top of this frame's window. */
export interface Viewport {
  top: number;
  height: number;
}

/** A band lower than this has no room for a dialog. */
export const LOWEST_VIEWPORT = 360;

/** Where an observer that never reports (a hidden tab) leaves us after this many milliseconds. */
const PATIENCE = 500;

export function framed(): boolean {
  return window.parent !== window;
}

/** Measures the band with a sentinel beside `neighbour`; the whole window when nothing can be told. */
export function visibleViewport(neighbour: Element, signal: AbortSignal): Promise<Viewport> {
  // As a popover it lies in the top layer: below JupyterLab's `contain: strict` a fixed element is boxed to its cell.
  const sentinel = document.createElement("div");
  sentinel.className = "dreambooth-sentinel";
  sentinel.popover = "manual";
  neighbour.after(sentinel);
  sentinel.showPopover?.();
  return new Promise((resolve) => {
    const done = (band: Viewport): void => {
      observer.disconnect();
      clearTimeout(timer);
      sentinel.remove();
      resolve(band);
    };
    const whole = (): void => done({ top: 0, height: window.innerHeight });
    const observer = new IntersectionObserver(([entry]) => {
      const seen = entry?.intersectionRect;
      if (seen?.height) done({ top: seen.top, height: seen.height });
      else whole();
    });
    const timer = setTimeout(whole, PATIENCE);
    signal.addEventListener("abort", whole);
    observer.observe(sentinel);
  });
}

/** Lays the dialog over the band. */
export function place(dialog: HTMLElement, { top, height }: Viewport): void {
  dialog.style.setProperty("--db-top", `${Math.round(top)}px`);
  dialog.style.setProperty("--db-height", `${Math.round(height)}px`);
}

/** Keeps the dialog in the band: where the outer page scrolls we hear nothing but that less of the dialog is seen. */
export function follow(dialog: HTMLElement, signal: AbortSignal): void {
  const observer = new IntersectionObserver(
    async ([entry]) => {
      if (!entry || entry.intersectionRatio > 0.99) return;
      const band = await visibleViewport(dialog, signal);
      if (!signal.aborted && band.height >= LOWEST_VIEWPORT) place(dialog, band);
    },
    { threshold: [0.25, 0.5, 0.75, 0.9, 0.99] },
  );
  observer.observe(dialog);
  signal.addEventListener("abort", () => observer.disconnect());
}
