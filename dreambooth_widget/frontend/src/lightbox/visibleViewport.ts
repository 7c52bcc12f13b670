/**
 * The part of this frame that the reader sees.
 *
 * VS Code shows a notebook's outputs in one sandboxed frame of many thousand pixels, Colab each output in a frame
 * of its own height. "The window" of such a frame is mostly out of sight, and so would a modal dialog be. It is
 * measured always: VS Code sets `window.parent = window`, so a frame need not look like one.
 */

/** CSS pixels from the top of this frame's window. */
export interface Viewport {
  top: number;
  height: number;
}

/** A viewport lower than this has no room for a dialog. */
export const LOWEST_VIEWPORT = 360;

/** Where an observer that never reports (a hidden tab) leaves us after this many milliseconds. */
const PATIENCE = 500;

/** Whether the host paints over this frame: VS Code lays its code cells over the one frame of all outputs. */
export function isPaintedOver(): boolean {
  return document.body.hasAttribute("data-vscode-theme-kind");
}

/** Measures it with a sentinel beside `neighbour`; the whole window when the observer reports nothing. */
export function visibleViewport(neighbour: Element, signal: AbortSignal): Promise<Viewport> {
  // As a popover it lies in the top layer: below JupyterLab's `contain: strict` a fixed element is boxed to its cell.
  const sentinel = document.createElement("div");
  sentinel.className = "dreambooth-sentinel";
  sentinel.popover = "manual";
  neighbour.after(sentinel);
  sentinel.showPopover?.();
  return new Promise((resolve) => {
    const done = (viewport: Viewport): void => {
      observer.disconnect();
      clearTimeout(timer);
      sentinel.remove();
      resolve(viewport);
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

/** Lays the dialog over the viewport. */
export function placeDialog(dialog: HTMLElement, { top, height }: Viewport): void {
  dialog.style.setProperty("--db-top", `${Math.round(top)}px`);
  dialog.style.setProperty("--db-height", `${Math.round(height)}px`);
}

/** Keeps the dialog in the viewport: where the outer page scrolls we hear nothing but that less of the dialog is seen. */
export function follow(dialog: HTMLElement, signal: AbortSignal): void {
  const observer = new IntersectionObserver(
    async ([entry]) => {
      if (!entry || entry.intersectionRatio > 0.99) return;
      const viewport = await visibleViewport(dialog, signal);
      if (!signal.aborted && viewport.height >= LOWEST_VIEWPORT) placeDialog(dialog, viewport);
    },
    { threshold: [0.25, 0.5, 0.75, 0.9, 0.99] },
  );
  observer.observe(dialog);
  signal.addEventListener("abort", () => observer.disconnect());
}
