/** A finger that rests on a tile selects it, as a mouse does with Ctrl. */
import { useRef } from "preact/hooks";

/** Milliseconds, and CSS pixels that a resting finger may move. */
const LONG = 500;
const MOVES = 10;

/** Handlers for the list; `select` is called with the index of the tile. */
export function useLongPress(select: (index: number) => void) {
  const press = useRef({ touch: false, timer: 0, x: 0, y: 0, selected: false });
  const cancel = (): void => clearTimeout(press.current.timer);
  /** What browsers do with a long press (their menu, dragging the image) would come on top of the selection. */
  const prevent = (event: Event): void => {
    if (press.current.touch) event.preventDefault();
  };
  return {
    onPointerDown: ({ pointerType, target, clientX: x, clientY: y }: PointerEvent): void => {
      cancel();
      const touch = pointerType === "touch";
      press.current = { touch, timer: 0, x, y, selected: false };
      const tile = (target as Element).closest<HTMLElement>("[data-status=ready]")?.closest<HTMLElement>("li");
      if (!touch || !tile) return;
      press.current.timer = window.setTimeout(() => {
        press.current.selected = true;
        select(Number(tile.dataset.index));
      }, LONG);
    },
    onPointerMove: ({ clientX, clientY }: PointerEvent): void => {
      if (Math.hypot(clientX - press.current.x, clientY - press.current.y) > MOVES) cancel();
    },
    onPointerUp: cancel,
    onPointerCancel: cancel,
    onContextMenu: prevent,
    onDragStart: prevent,
    /** After a touch, a key's menu is no long press. */
    onKeyDown: (): void => {
      press.current.touch = false;
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
