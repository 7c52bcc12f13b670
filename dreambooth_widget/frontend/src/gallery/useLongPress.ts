/** A finger that rests on a tile selects it, as a mouse does with Ctrl. */
import { useRef } from "preact/hooks";

/** Milliseconds, and CSS pixels that a resting finger may move. */
const LONG = 500;
const MOVES = 10;

/** Handlers for the list; `select` is called with the index of the tile. */
export function useLongPress(select: (index: number) => void) {
  const press = useRef({ timer: 0, x: 0, y: 0, selected: false });
  const cancel = (): void => clearTimeout(press.current.timer);
  return {
    onPointerDown: ({ pointerType, target, clientX: x, clientY: y }: PointerEvent): void => {
      cancel();
      const tile = (target as Element).closest<HTMLElement>("[data-status=ready]")?.closest<HTMLElement>("li");
      if (pointerType !== "touch" || !tile) return;
      const timer = window.setTimeout(() => {
        press.current.selected = true;
        select(Number(tile.dataset.index));
      }, LONG);
      press.current = { timer, x, y, selected: false };
    },
    onPointerMove: ({ clientX, clientY }: PointerEvent): void => {
      if (Math.hypot(clientX - press.current.x, clientY - press.current.y) > MOVES) cancel();
    },
    onPointerUp: cancel,
    onPointerCancel: cancel,
    /** The browser's own menu would come on top of the selection. */
    onContextMenu: (event: Event): void => {
      if (press.current.selected) event.preventDefault();
    },
    /** The click of the finger that leaves would open the picture. */
    onClickCapture: (event: Event): void => {
      if (!press.current.selected) return;
      press.current.selected = false;
      event.preventDefault();
      event.stopPropagation();
    },
  };
}
