/** The clipboard, with what can be done where the browser refuses it (frames without permission, plain http). */

/** Copies a text. Resolves to the sentence for the reader. */
export async function copyString(text: string): Promise<string> {
  try {
    await navigator.clipboard.writeText(text);
    return "Copied";
  } catch {
    return "This page may not copy; the text is in Details";
  }
}

/** Copies what `element` shows; otherwise leaves it selected. Resolves to the sentence for the reader. */
export async function copyText(element: Element): Promise<string> {
  try {
    await navigator.clipboard.writeText(element.textContent ?? "");
    return "Copied";
  } catch {
    // Undefined over plain http (TypeError) or not permitted here (DOMException): the old way needs a selection.
    getSelection()?.selectAllChildren(element);
    return document.execCommand("copy") ? "Copied" : "Selected: press Ctrl+C or ⌘C to copy";
  }
}

/** Puts the picture on the clipboard as PNG, the one type that every browser takes. Resolves to the sentence to show. */
export async function copyPicture(bytes: Promise<Blob>): Promise<string> {
  const png = bytes.then(asPng);
  try {
    // The promise goes in, not its result: the user's key press or click does not count any more after an await.
    await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
    return "Picture copied";
  } catch {
    return png.then(
      () => "This page may not copy pictures; use Download",
      (reason: unknown) => `Not copied: ${reasonOf(reason)}`,
    );
  }
}

async function asPng(blob: Blob): Promise<Blob> {
  if (blob.type === "image/png") return blob;
  const bitmap = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas.convertToBlob();
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
