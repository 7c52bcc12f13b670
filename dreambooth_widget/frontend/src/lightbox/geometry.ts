/**
 * Where the picture lies in the stage: pure arithmetic, no DOM.
 *
 * Points are CSS pixels from the stage's centre; `scale` is CSS pixels per pixel of the picture, so 1 is "1:1".
 */
import { PREVIEW_EDGE } from "../model/constants";
import type { PictureEntry, PictureKind } from "../model/messages";

export interface Size {
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

/** `x`, `y` is the picture's centre. */
export interface View extends Point {
  scale: number;
}

/** Of the scale, where fitting does not take as much. */
const LARGEST = 8;
const SLACK = 1.01;
const AIR = 16;

/** The picture's size in pixels; a square until it is known. */
export function sizeOf(entry: PictureEntry): Size {
  return { width: entry.width ?? PREVIEW_EDGE, height: entry.height ?? PREVIEW_EDGE };
}

/** The whole picture in the middle of the stage, as large as that allows, with some air above and below. */
export function fitView(stage: Size, picture: Size): View {
  const scale = Math.min(stage.width / picture.width, (stage.height - AIR) / picture.height);
  return { scale: Math.max(0, scale), x: 0, y: 0 };
}

/** The smallest and the largest scale: fitting, or one to one of a small picture; eight to one, or twice fitting. */
export function scaleLimits(stage: Size, picture: Size): [least: number, most: number] {
  const fitting = fitView(stage, picture).scale;
  return [Math.min(fitting, 1), Math.max(2 * fitting, LARGEST)];
}

/** A scale within the limits; an edge of the picture never leaves the stage's edge. */
export function clampView(view: View, stage: Size, picture: Size): View {
  const [least, most] = scaleLimits(stage, picture);
  const scale = Math.min(most, Math.max(least, view.scale));
  const along = (centre: number, shown: number, room: number): number => {
    const free = Math.max(0, (shown * scale - room) / 2);
    return Math.min(free, Math.max(-free, centre));
  };
  return {
    scale,
    x: along(view.x, picture.width, stage.width),
    y: along(view.y, picture.height, stage.height),
  };
}

/** Zooms by `factor` so that what lies under `around` stays there, then shifts. */
export function transform(view: View, factor: number, around: Point, shift: Point = { x: 0, y: 0 }): View {
  return {
    scale: view.scale * factor,
    x: around.x + (view.x - around.x) * factor + shift.x,
    y: around.y + (view.y - around.y) * factor + shift.y,
  };
}

/** Whether some of the picture lies outside, so that dragging pans rather than turns. */
export function pannable(view: View, stage: Size, picture: Size): boolean {
  return picture.width * view.scale > stage.width + 1 || picture.height * view.scale > stage.height + 1;
}

/** The scale that a double click goes to from a fitting picture. */
export function closer(fitting: number): number {
  return fitting < 0.75 ? 1 : fitting * 2;
}

/** Two fingers (or one) before and after: how far they moved together, and how much further apart they are. */
export function pinch(before: readonly Point[], after: readonly Point[]): { shift: Point; factor: number; at: Point } {
  const at = middle(before);
  const to = middle(after);
  const apart = spread(before);
  return { shift: { x: to.x - at.x, y: to.y - at.y }, factor: apart ? spread(after) / apart : 1, at };
}

function middle(points: readonly Point[]): Point {
  const sum = points.reduce((a, b) => ({ x: a.x + b.x, y: a.y + b.y }), { x: 0, y: 0 });
  return { x: sum.x / points.length, y: sum.y / points.length };
}

function spread([a, b]: readonly Point[]): number {
  return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
}

/** What one turn of the wheel multiplies the scale by. Trackpads send pinches as small wheel steps with Ctrl. */
export function wheelFactor(event: Pick<WheelEvent, "deltaY" | "deltaMode" | "ctrlKey">): number {
  const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1);
  const step = Math.min(240, Math.max(-240, pixels));
  return Math.exp(-step * (event.ctrlKey ? 0.01 : 0.002));
}

/** -1 when the finger pushed the picture to the left far enough to turn, 1 to the right, else 0. */
export function swipe(total: Point, stage: Size): -1 | 0 | 1 {
  const far = Math.abs(total.x) > Math.min(80, stage.width / 5) && Math.abs(total.x) > 1.5 * Math.abs(total.y);
  return far ? (total.x < 0 ? -1 : 1) : 0;
}

/** Which file has enough pixels for this many device pixels per pixel of the picture. */
export function kindFor(picture: Size, deviceScale: number): PictureKind {
  const edge = Math.max(picture.width, picture.height);
  return edge * deviceScale > Math.min(edge, PREVIEW_EDGE) * SLACK ? "original" : "preview";
}

/** The view of `other` that shows the same spot in the middle, as much larger than fitting as `view` shows `picture`. */
export function matchView(view: View, stage: Size, picture: Size, other: Size): View {
  const scale = (view.scale / fitView(stage, picture).scale) * fitView(stage, other).scale || 0;
  const along = (centre: number, from: number, to: number): number => (centre * to * scale) / (from * view.scale) || 0;
  return { scale, x: along(view.x, picture.width, other.width), y: along(view.y, picture.height, other.height) };
}

/** CSS pixels between the pictures of a comparison, and below each of them for its caption. */
const GUTTER = 2;
const CAPTION = 32;

/** In how many columns `count` pictures lie side by side as large as the stage allows, and the size that each then has. */
export function arrange(count: number, stage: Size, picture: Size): { columns: number; pane: Size } {
  const paneOf = (columns: number): Size => ({
    width: Math.max(0, (stage.width + GUTTER) / columns - GUTTER),
    height: Math.max(0, (stage.height + GUTTER) / Math.ceil(count / columns) - GUTTER - CAPTION),
  });
  const scaleOf = ({ width, height }: Size): number => Math.min(width / picture.width, height / picture.height);
  const all = Array.from({ length: count }, (_, index) => index + 1);
  const columns = all.reduce((best, next) => (scaleOf(paneOf(next)) > scaleOf(paneOf(best)) ? next : best), 1);
  return { columns, pane: paneOf(columns) };
}
