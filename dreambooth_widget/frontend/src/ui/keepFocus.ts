/**
 * Keeps the focus in the card when the control that had it goes, as "Stop waiting" does when it was pressed. Otherwise it
 * falls to the page, and the next key belongs to the notebook.
 */
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

export function useKeptFocus(): RefObject<HTMLElement | null> {
  const root = useRef<HTMLElement | null>(null);
  useEffect(() => {
    const card = root.current;
    if (!card) return;
    const life = new AbortController();
    let last: HTMLElement | null = null;
    const onFocusIn = (event: FocusEvent): void => {
      last = event.target as HTMLElement;
    };
    // Who leaves by himself leaves a control that is still there; a removed one is not, whatever event it sends.
    const onFocusOut = ({ target }: FocusEvent): void =>
      queueMicrotask(() => {
        if (last === target && last?.isConnected) last = null;
      });
    card.addEventListener("focusin", onFocusIn, { signal: life.signal });
    card.addEventListener("focusout", onFocusOut, { signal: life.signal });
    const observer = new MutationObserver(() => {
      if (!last || last.isConnected) return;
      last = null;
      (card.querySelector<HTMLElement>(".dreambooth-actions button, form input") ?? card).focus();
    });
    observer.observe(card, { childList: true, subtree: true });
    return () => {
      life.abort();
      observer.disconnect();
    };
  }, []);
  return root;
}
