/**
 * Justified rows: every picture keeps its shape, the pictures of a row are equally tall, and a full row fills the width.
 * Pure arithmetic in CSS pixels, so that the height of the gallery is known before anything is drawn.
 */

export interface Shape {
  /** Width to height. */
  ratio: number;
  /** The picture's own size in pixels, or null while it is unknown. */
  width: number | null;
  height: number | null;
}

/** Where a tile lies in the list. `start` is the distance from the side where a line of text begins. */
export interface Box {
  row: number;
  start: number;
  top: number;
  width: number;
  height: number;
}

export interface Rows {
  boxes: Box[];
  height: number;
}

interface Options {
  width: number;
  /** The height that rows are near to. */
  target: number;
  /** Free space below each tile, for its caption. */
  below: number;
  /** Whether a gallery of one or two rows may be spread over the width. Not for one that grows at its end. */
  spread: boolean;
}

export const GAP = 8;
/** Two controls of 32 px have room beside each other. */
export const LEAST_WIDTH = 80;
/** Of the target height: no row is taller. */
const TALLEST = 2;
/** Longest edge of a picture that is alone. */
const ALONE = 512;

export function justifiedRows(shapes: readonly Shape[], { width, target, below, spread }: Options): Rows {
  const [one] = shapes;
  if (shapes.length === 1 && one && spread) return alone(one, width);
  const near = Math.min(target, Math.max(LEAST_WIDTH, tallest(shapes)));
  const ratios = shapes.map(({ ratio }) => Math.max(ratio, LEAST_WIDTH / near));
  let rows = fill(ratios, width, near);
  if (spread && rows.length === 2) rows = halves(ratios);
  const boxes: Box[] = [];
  let [top, last] = [0, near];
  for (const [row, [from, to]] of rows.entries()) {
    const full = filling(ratios, from, to, width);
    // The last row goes on at the height of the one before it; a row that is alone may grow.
    const most = row < rows.length - 1 || (spread && rows.length === 1) ? near * TALLEST : last;
    const height = Math.round(Math.min(full, most));
    // Boundaries are rounded and not widths: the end of a full row is the end of the list.
    const scale = full <= most ? full : height;
    let x = 0;
    for (let index = from; index < to; index++) {
      const end = x + (ratios[index] as number) * scale;
      boxes.push({ row, start: Math.round(x), top, width: Math.round(end) - Math.round(x), height });
      x = end + GAP;
    }
    top += height + below + GAP;
    last = height;
  }
  return { boxes, height: Math.max(0, top - GAP) };
}

/** The height of the tallest picture: an unknown one may be anything. */
function tallest(shapes: readonly Shape[]): number {
  return shapes.reduce((most, { height }) => Math.max(most, height ?? Number.POSITIVE_INFINITY), 0);
}

/** The height at which the pictures `from` to before `to` fill the width. */
function filling(ratios: readonly number[], from: number, to: number, width: number): number {
  let sum = 0;
  for (let index = from; index < to; index++) sum += ratios[index] as number;
  return (width - GAP * (to - from - 1)) / sum;
}

/** Row by row, each ended where its height is nearest to the target. */
function fill(ratios: readonly number[], width: number, target: number): [from: number, to: number][] {
  const rows: [number, number][] = [];
  let from = 0;
  for (let to = 1; to <= ratios.length; to++) {
    const height = filling(ratios, from, to, width);
    if (height > target) continue;
    const before = to - from > 1 ? filling(ratios, from, to - 1, width) : Number.POSITIVE_INFINITY;
    if (before / target < target / height) to--;
    rows.push([from, to]);
    from = to;
  }
  if (from < ratios.length) rows.push([from, ratios.length]);
  return rows;
}

/** Two rows that are nearly as wide as each other, rather than a full one and a rest. */
function halves(ratios: readonly number[]): [from: number, to: number][] {
  const half = ratios.reduce((sum, ratio) => sum + ratio, 0) / 2;
  let [middle, sum] = [0, 0];
  while (sum + (ratios[middle] as number) / 2 <= half) sum += ratios[middle++] as number;
  middle = Math.min(Math.max(1, middle), ratios.length - 1);
  return [
    [0, middle],
    [middle, ratios.length],
  ];
}

function alone({ ratio, width, height }: Shape, room: number): Rows {
  const edge = Math.min(room, ALONE, ALONE * ratio, width ?? ALONE, (height ?? ALONE) * ratio);
  const box = { row: 0, start: 0, top: 0, width: Math.round(Math.max(LEAST_WIDTH, edge)), height: 0 };
  box.height = Math.round(Math.max(LEAST_WIDTH, edge / ratio));
  return { boxes: [box], height: box.height };
}
