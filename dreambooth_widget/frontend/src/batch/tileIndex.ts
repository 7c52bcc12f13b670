/** The gallery numbers tiles with one integer, the kernel pictures by request and index. Pure. */
import type { ToKernel } from "../model/messages";
import type { BatchIntent, PictureKey } from "./messages";

/** More than a request has pictures; the last is the pictureIndex of the tile that stands for the request itself. */
const STRIDE = 65_536;
export const OF_REQUEST = STRIDE - 1;

export const tileIndex = ([request, picture]: PictureKey): number => request * STRIDE + picture;
export const pictureKey = (index: number): PictureKey => [Math.floor(index / STRIDE), index % STRIDE];

/** What the pictures ask the kernel for, in a batch's words. */
export function toBatchIntent(message: ToKernel): BatchIntent {
  if (message.type === "get_picture" || message.type === "get_link" || message.type === "get_crop") {
    const [request, index] = pictureKey(message.index);
    return { ...message, request, index };
  }
  if (message.type !== "zip") return message as BatchIntent;
  return { type: message.type, pictures: message.indices.map(pictureKey), id: message.id };
}
