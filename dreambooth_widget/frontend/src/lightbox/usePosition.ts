import { useRef, useState } from "preact/hooks";
import type { PictureEntry } from "../model/messages";

/** The position of the picture that is shown. It stays on that picture when others become ready before it. */
export function usePosition(entries: PictureEntry[], start: number): [number, (to: number) => void] {
  const [index, hold] = useState(entries[start]?.index ?? entries[0]?.index);
  const last = useRef(start);
  const found = entries.findIndex((entry) => entry.index === index);
  last.current = found < 0 ? Math.min(last.current, entries.length - 1) : found;
  return [last.current, (to) => hold(entries[to]?.index)];
}
