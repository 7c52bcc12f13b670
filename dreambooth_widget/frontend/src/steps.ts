/** Where an arrow key leads in a grid that is read row by row. Pure. */
export function step(key: string, from: number, total: number, columns: number, rtl: boolean): number | undefined {
  const forward = rtl ? -1 : 1;
  const by: Record<string, number> = {
    ArrowRight: forward,
    ArrowLeft: -forward,
    ArrowDown: columns,
    ArrowUp: -columns,
    Home: -from,
    End: total - 1 - from,
  };
  const distance = by[key];
  if (distance === undefined) return undefined;
  const to = from + distance;
  return to < 0 || to >= total ? from : to;
}
