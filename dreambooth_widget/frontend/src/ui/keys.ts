/**
 * Keys that stay out of the notebook.
 *
 * JupyterLab's and Notebook 7's command keys (a, b, x, j, arrows …) act on whatever has the focus, unless that
 * element *itself* carries this attribute; on an ancestor it does nothing. So spread it on every focusable element.
 */
export const OWN_KEYS = { "data-lm-suppress-shortcuts": "true" } as const;

/** For the card's root: other hosts (marimo) listen above us and know nothing of the attribute. */
export function stopKeys(event: KeyboardEvent): void {
  if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
}
