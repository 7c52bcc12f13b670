/** "Done" only when the pixels are there: a success that this view has seen coming is held back until its pictures are. */
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Status } from "../model/messages";

/** Milliseconds. A picture that has not come by then, though its tile asks for it once more, was lost on the way. */
const LONGEST = 5000;

/** Whether what came of the job is to be seen in the card `root`. */
export function useArrival(status: Status, root: RefObject<HTMLElement | null>): boolean {
  const done = status === "success";
  const [arrived, setArrived] = useState(done);
  useEffect(() => {
    if (!done || arrived) return setArrived(done);
    const look = (): void => {
      if (pixelsOf(root.current)) setArrived(true);
      else frame = requestAnimationFrame(look);
    };
    let frame = requestAnimationFrame(look);
    const timer = setTimeout(() => setArrived(true), LONGEST);
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, [done]);
  return !done || arrived;
}

function pixelsOf(card: HTMLElement | null): boolean {
  const tiles = [...(card?.querySelectorAll("[data-status=ready]") ?? [])];
  const images = tiles.map((tile) => tile.querySelector("img"));
  return images.every((image) => image?.complete && image.naturalWidth > 0);
}
