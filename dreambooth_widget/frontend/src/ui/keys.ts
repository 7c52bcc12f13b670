/**
 * Which keys reach the notebook: none that edits it, and every other shortcut.
 *
 * JupyterLab and Notebook 7 look for a shortcut from the focused element up, and stop at the first element with this
 * attribute. So every focusable element of the card carries it: `a`, `b`, `x`, `j`, arrows and Enter stay in the card.
 * For other combinations with Ctrl, Cmd or Alt (Ctrl+S!) `passShortcuts` takes it away while the key is handled.
 */
const SUPPRESS = "data-lm-suppress-shortcuts";

export const OWN_KEYS = { [SUPPRESS]: "true" } as const;

type Press = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey" | "getModifierState">;

/** Keys that run, move or edit cells, or text, whatever they are combined with; and the clipboard's. */
const EDITING = /^(enter|arrow.*|home|end|page.*|backspace|delete|z)$/;
const MODIFIER = /^(control|meta|alt|altgraph|shift)$/;
const EDITING_WITHOUT_SHIFT = /^[acvxy]$/;

/** Whether this key is a shortcut of the host's that the card leaves alone. */
export function isHostShortcut(event: Press): boolean {
  // AltGr types characters; Windows reports it as Ctrl and Alt.
  if (!(event.ctrlKey || event.metaKey || event.altKey) || event.getModifierState("AltGraph")) return false;
  const key = event.key.toLowerCase();
  return !EDITING.test(key) && !MODIFIER.test(key) && (event.shiftKey || !EDITING_WITHOUT_SHIFT.test(key));
}

/** For the card's root: other hosts (marimo) listen above us and know nothing of the attribute. */
export function stopKeys(event: KeyboardEvent): void {
  if (!isHostShortcut(event) && !event.ctrlKey && !event.metaKey) event.stopPropagation();
}

/** Lets the host's shortcuts through, with the focus anywhere in `card`, until `signal` aborts. */
export function passShortcuts(card: Element, signal: AbortSignal): void {
  let passing: Element[] = [];
  const restore = (): void => {
    for (const element of passing) element.setAttribute(SUPPRESS, "true");
    passing = [];
  };
  const pass = (event: KeyboardEvent): void => {
    // On a busy page the next key may come before the timer.
    restore();
    const path = event.composedPath();
    if (!path.includes(card) || !isHostShortcut(event)) return;
    // The whole path: the tile carries the attribute, and so does the card around it.
    passing = path.filter((each): each is Element => each instanceof Element && each.hasAttribute(SUPPRESS));
    for (const element of passing) element.removeAttribute(SUPPRESS);
    setTimeout(restore);
  };
  window.addEventListener("keydown", pass, { capture: true, signal });
}
