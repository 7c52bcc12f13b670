/** Selecting as in a file manager: Ctrl or Cmd adds one, Shift a range from the last one that was chosen. Pure. */

export interface Selection {
  selected: ReadonlySet<number>;
  /** The picture from which ranges start, or null. */
  anchor: number | null;
}

/** What a click on the picture does: a new selection, or null where it opens the picture. */
export function click(
  { selected, anchor }: Selection,
  index: number,
  order: readonly number[],
  event: Pick<MouseEvent, "ctrlKey" | "metaKey" | "shiftKey">,
): Selection | null {
  const adds = event.ctrlKey || event.metaKey;
  if (event.shiftKey) {
    const range = between(order, anchor ?? index, index);
    return { selected: new Set(adds ? [...selected, ...range] : range), anchor: anchor ?? index };
  }
  return adds ? toggle({ selected, anchor }, index) : null;
}

export function toggle({ selected }: Selection, index: number, on = !selected.has(index)): Selection {
  const next = new Set(selected);
  if (on) next.add(index);
  else next.delete(index);
  return { selected: next, anchor: index };
}

/** The pictures from one to another in the order of the gallery, both included. */
function between(order: readonly number[], from: number, to: number): readonly number[] {
  const [start, end] = [order.indexOf(from), order.indexOf(to)];
  if (start < 0 || end < 0) return [to];
  return order.slice(Math.min(start, end), Math.max(start, end) + 1);
}
