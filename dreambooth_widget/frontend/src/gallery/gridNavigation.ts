/**
 * Where an arrow key leads in a grid that is read row by row: to the first tile on its way that `stands`, from 0; to `from`
 * when there is none; to -1 when the key is no such key. Pure.
 */
export function nextTile(key: string, from: number, stands: boolean[], columns: number, rtl: boolean): number {
  const forward = rtl ? -1 : 1;
  const ways: Record<string, [first: number, by: number]> = {
    ArrowRight: [from + forward, forward],
    ArrowLeft: [from - forward, -forward],
    ArrowDown: [from + columns, columns],
    ArrowUp: [from - columns, -columns],
    Home: [0, 1],
    End: [stands.length - 1, -1],
  };
  const way = ways[key];
  if (!way) return -1;
  for (let [to, by] = way; to in stands; to += by) if (stands[to]) return to;
  return from;
}
