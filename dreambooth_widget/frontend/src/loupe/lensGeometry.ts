/** Where a lens lies and what it shows: pure arithmetic in CSS pixels, no DOM. */
import type { Point, Size, View } from "../lightbox/geometry";
import type { CropBox } from "../model/messages";

/** Longest edge of a lens. Most tiles of a gallery are smaller, and all lens. */
const LENS = 320;

const clamp = (value: number, most: number): number => Math.min(Math.max(0, value), Math.max(0, most));

/** Which spot of the picture lies at `point` in the window: shares of its width and height. */
export function spotAt(
  point: Point,
  frame: Pick<DOMRect, "x" | "y" | "width" | "height">,
  picture: Size,
  view: View,
): Point {
  const along = (at: number, start: number, room: number, centre: number, length: number): number =>
    clamp((at - start - room / 2 - centre) / (length * view.scale) + 0.5, 1);
  return {
    x: along(point.x, frame.x, frame.width, view.x, picture.width),
    y: along(point.y, frame.y, frame.height, view.y, picture.height),
  };
}

/** The lens over `spot`, inside `frame`: its place there, and the part of the picture that it shows at 100 %. */
export function lensAt(
  spot: Point,
  frame: Size,
  picture: Size,
  view: View,
): { left: number; top: number; box: CropBox } {
  const along = (
    at: number,
    room: number,
    length: number,
    centre: number,
  ): [start: number, from: number, size: number] => {
    const size = Math.floor(Math.min(LENS, room, length));
    const middle = room / 2 + centre + (at - 0.5) * length * view.scale;
    return [clamp(middle - size / 2, room - size), Math.round(clamp(at * length - size / 2, length - size)), size];
  };
  const [left, x, width] = along(spot.x, frame.width, picture.width, view.x);
  const [top, y, height] = along(spot.y, frame.height, picture.height, view.y);
  return { left, top, box: [x, y, x + width, y + height] };
}
