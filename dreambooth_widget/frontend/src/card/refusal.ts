/** A key that the service refused: the form for another one opens, and a second refusal does not look like the first. */
import { useRef, useState } from "preact/hooks";

interface Refusal {
  /** The key was refused, and no other one has been tried since. */
  current: boolean;
  /** The reader has closed the form that this opened. */
  dismissed: boolean;
  /** How many keys were refused while this view was open, and whether that is more than one. */
  count: number;
  again: boolean;
  dismiss(): void;
}

/** `current`: the service has refused the key; `at`: when the job ended, by which two refusals are told apart. */
export function useRefusal(current: boolean, at: number | null): Refusal {
  const [dismissed, setDismissed] = useState(0);
  const seen = useRef({ count: 0, at: null as number | null });
  if (current && (seen.current.count === 0 || seen.current.at !== at)) {
    seen.current = { count: seen.current.count + 1, at };
  }
  const { count } = seen.current;
  return { current, dismissed: dismissed === count, count, again: count > 1, dismiss: () => setDismissed(count) };
}

/** Not from someone who is typing elsewhere. */
export function mayTakeFocus(card: Element | null): boolean {
  const active = document.activeElement;
  return document.hasFocus() && (!active?.matches("input, textarea, [contenteditable]") || !!card?.contains(active));
}
