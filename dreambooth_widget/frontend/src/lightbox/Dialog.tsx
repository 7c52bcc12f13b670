/** The dark dialog over the window: where it stands, which keys it keeps, and how it goes away. */
import type { ComponentChildren, VNode } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { isHostShortcut, OWN_KEYS } from "../ui/keys";
import { keyName } from "./keymap";
import { follow, isPaintedOver, LOWEST_VIEWPORT, placeDialog, type Viewport, visibleViewport } from "./visibleViewport";

/** CSS pixels. */
const HIGHEST_INLINE = 900;
/** Milliseconds that a frame may take to grow to the size of its content. */
const GROWING = 1000;

/** The comparison, which stands behind the lightbox in the page, lies over it. */
const COVERED = ":has(~ .dreambooth-lightbox[open])";

interface DialogProps {
  label: string;
  /** A key without Ctrl, Alt or Meta, by its name in lower case; true when it was used. */
  onKey?(name: string, dialog: HTMLDialogElement): boolean;
  onKeyUp?(name: string): void;
  /** A right click on `target`, or the menu key while that has the focus. */
  onContextMenu(event: MouseEvent, target: Element, dialog: HTMLDialogElement): void;
  /** The dialog is closed and the focus is back where it was. */
  onClose(): void;
  children: (close: () => void) => ComponentChildren;
}

export function Dialog(props: DialogProps): VNode {
  const ref = useRef<HTMLDialogElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const close = (): void => ref.current?.close();

  useLayoutEffect(() => {
    const dialog = ref.current as HTMLDialogElement;
    const stop = new AbortController();
    dialog.addEventListener("close", () => latest.current.onClose(), { signal: stop.signal });
    keepKeys(dialog, () => latest.current, stop.signal);
    open(dialog, stop.signal);
    return () => {
      stop.abort();
      dialog.close();
    };
  }, []);

  return (
    <dialog ref={ref} class="dreambooth-lightbox" aria-label={props.label} tabIndex={-1} {...OWN_KEYS}>
      {props.children(close)}
    </dialog>
  );
}

/** Over the window; over what is seen of it in a tall frame; in the page's flow where that is too little or painted over. */
async function open(dialog: HTMLDialogElement, signal: AbortSignal): Promise<void> {
  const viewport = await visibleViewport(dialog, signal);
  if (signal.aborted) return;
  if (viewport.height < LOWEST_VIEWPORT || isPaintedOver()) return openInline(dialog, viewport, signal);
  if (viewport.height < window.innerHeight - 1) {
    placeDialog(dialog, viewport);
    follow(dialog, signal);
  }
  dialog.showModal();
  // showModal() gives the focus to the first button, whose ring would say that it matters.
  dialog.focus({ preventScroll: true });
}

/** A stage in the page's flow, where nothing lies over it. */
function openInline(dialog: HTMLDialogElement, { height }: Viewport, signal: AbortSignal): void {
  if (height >= LOWEST_VIEWPORT) dialog.style.setProperty("--db-inline", `${Math.min(height - 16, HIGHEST_INLINE)}px`);
  dialog.show();
  dialog.focus({ preventScroll: true });
  const scroll = (): void => dialog.scrollIntoView({ block: "nearest" });
  scroll();
  // The frame grows with its content only after this task.
  const growing = new AbortController();
  signal.addEventListener("abort", () => growing.abort());
  window.addEventListener("resize", scroll, { signal: growing.signal });
  setTimeout(() => growing.abort(), GROWING);
}

/**
 * No key that edits goes on to the notebook, which would cut and move cells behind the dialog: events stop at the window,
 * before its listeners on the document. What the browser itself does with a key (Tab, Enter on a button, Ctrl+C) still
 * happens, and shortcuts such as Ctrl+S reach the notebook.
 */
function keepKeys(dialog: HTMLDialogElement, current: () => DialogProps, signal: AbortSignal): void {
  const ours = (event: Event): boolean => {
    if (dialog.matches(COVERED)) return false;
    const target = event.composedPath()[0] as Node;
    // With nothing focused keys come from the body; behind a modal dialog they belong to it.
    return dialog.contains(target) || (dialog.matches(":modal") && target.contains(dialog));
  };
  const stop = (event: Event): void => {
    if (ours(event) && !isInMenu(event)) event.stopImmediatePropagation();
  };
  const release = (event: KeyboardEvent): void => {
    stop(event);
    current().onKeyUp?.(keyName(event));
  };
  const press = (event: KeyboardEvent): void => {
    if (!ours(event) || isInMenu(event) || isHostShortcut(event)) return;
    event.stopImmediatePropagation();
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const name = keyName(event);
    const used = current().onKey?.(name, dialog);
    if (used || name === "escape") event.preventDefault();
    if (!used && name === "escape") dialog.close();
  };
  const openMenu = (event: MouseEvent): void => {
    stop(event);
    if (ours(event) && !isInMenu(event)) current().onContextMenu(event, event.composedPath()[0] as Element, dialog);
  };
  window.addEventListener("keydown", press, { capture: true, signal });
  window.addEventListener("keyup", release, { capture: true, signal });
  window.addEventListener("keypress", stop, { capture: true, signal });
  window.addEventListener("contextmenu", openMenu, { capture: true, signal });
}

/** The picture's menu keeps its keys itself. */
const isInMenu = (event: Event): boolean =>
  !!(event.composedPath()[0] as Partial<Element>).closest?.(".dreambooth-menu");

export function isRightToLeft(element: Element): boolean {
  return getComputedStyle(element).direction === "rtl";
}

/** Into the dialog, when what had it has gone: else the next key is the notebook's. */
export function keepFocus(dialog: HTMLDialogElement): void {
  if (!dialog.contains(focused(dialog))) dialog.focus({ preventScroll: true });
}

/** What has the focus in the dialog; the dialog itself where nothing in it has. */
export function focusIn(dialog: HTMLDialogElement): HTMLElement {
  const element = focused(dialog);
  return element instanceof HTMLElement && dialog.contains(element) ? element : dialog;
}

/** What has the focus, seen from inside marimo's shadow root too. */
export function focused(element: Element): Element | null {
  return (element.getRootNode() as Document | ShadowRoot).activeElement;
}
