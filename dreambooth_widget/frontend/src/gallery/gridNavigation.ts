import type { Box } from "./justifiedRows";

/**
 * Where an arrow key leads in a grid that is read row by row: to the first tile on its way that `stands`, from 0; up and down
 * to the nearest one of the next row that has one; to `from` when there is none; to -1 when the key is no such key. Pure.
 */
export function nextTile(key: string, from: number, stands: boolean[], boxes: readonly Box[], rtl: boolean): number {
  const forward = rtl ? -1 : 1;
  const ways: Record<string, [first: number, by: number]> = {
    ArrowRight: [from + forward, forward],
    ArrowLeft: [from - forward, -forward],
    Home: [0, 1],
    End: [stands.length - 1, -1],
  };
  if (key === "ArrowDown" || key === "ArrowUp") return inNextRow(from, key === "ArrowDown" ? 1 : -1, stands, boxes);
  const way = ways[key];
  if (!way) return -1;
  for (let [to, by] = way; to in stands; to += by) if (stands[to]) return to;
  return from;
}

function inNextRow(from: number, by: number, stands: boolean[], boxes: readonly Box[]): number {
  const middle = ({ start, width }: Box): number => start + width / 2;
  const here = boxes[from];
  let best = -1;
  for (let to = from + by; here && to in boxes; to += by) {
    const box = boxes[to] as Box;
    const found = boxes[best];
    if (found && found.row !== box.row) break;
    if (box.row === here.row || !stands[to]) continue;
    if (!found || Math.abs(middle(box) - middle(here)) < Math.abs(middle(found) - middle(here))) best = to;
  }
  return best < 0 ? from : best;
}
