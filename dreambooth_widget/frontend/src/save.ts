/** Hands bytes to the browser's "save file". */
export function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The download starts after this task; revoking at once made Chromium save nothing.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
