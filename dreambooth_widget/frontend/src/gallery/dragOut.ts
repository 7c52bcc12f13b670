/** A picture that is dragged out of the browser becomes a file with its own name, where the browser allows that. */
import type { PictureEntry } from "../model/messages";
import type { PictureStore } from "../model/pictureStore";
import { fileName } from "./download";

/**
 * Offers the best file that is at hand: a drop cannot wait for the kernel. Chromium makes a file of it; other browsers
 * go on with their own data for an image.
 */
export function offerFile(transfer: DataTransfer, entry: PictureEntry, store: PictureStore): void {
  const file = store.best(entry.id);
  if (!file) return;
  transfer.effectAllowed = "copy";
  transfer.setData("DownloadURL", `${file.type}:${fileName(entry, file.type)}:${file.url}`);
}
