/** A view whose pictures are known and do not come: a saved page without a kernel, or a kernel held by a cell. */
import { useEffect, useState } from "preact/hooks";

const SILENT_AFTER = 5000;

export const NO_ANSWER =
  "The kernel does not answer, so the pictures are not here. They come when it does, or when the cell runs again.";

/** True when there should be pictures (`due`) and nothing at all was heard since this view appeared. */
export function useOverduePictures(alive: boolean, due: boolean): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (alive) return;
    const timer = setTimeout(() => setLate(true), SILENT_AFTER);
    return () => clearTimeout(timer);
  }, [alive]);
  return late && !alive && due;
}
