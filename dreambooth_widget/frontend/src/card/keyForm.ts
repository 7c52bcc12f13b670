/** The form for another key: it opens when the service refuses one, and a second refusal does not look like the first. */
import { useRef, useState } from "preact/hooks";

interface KeyForm {
  /** It stands there, though the card has what it needs to begin. */
  open: boolean;
  /** The reader asked for it: for another request, or for another key. */
  editing: boolean;
  /** The key was refused, and no other one has been tried since. */
  refused: boolean;
  /** How many keys were refused while this view was open, and whether that is more than one. */
  count: number;
  again: boolean;
  edit(): void;
  close(): void;
}

/** `refused`: the service has refused the key; `at`: when the job ended, by which two refusals are told apart. */
export function useKeyForm(refused: boolean, at: number | null): KeyForm {
  const [editing, setEditing] = useState(false);
  const [dismissed, setDismissed] = useState(0);
  const seen = useRef({ count: 0, at: null as number | null });
  if (refused && (seen.current.count === 0 || seen.current.at !== at)) {
    seen.current = { count: seen.current.count + 1, at };
  }
  const { count } = seen.current;
  const close = (): void => {
    setEditing(false);
    setDismissed(count);
  };
  const open = editing || (refused && dismissed !== count);
  return { open, editing, refused, count, again: count > 1, edit: () => setEditing(true), close };
}

/** Not from someone who is typing elsewhere. */
export function mayTakeFocus(card: Element | null): boolean {
  const active = document.activeElement;
  return document.hasFocus() && (!active?.matches("input, textarea, [contenteditable]") || !!card?.contains(active));
}
