/** Values that Python has as well. tests/test_shared_constants.py compares the two. */

/** Thumbnails that the kernel sends without a request: what a gallery draws first. */
export const UNASKED_THUMBNAILS = 60;
/** Up to so many pictures, the kernel sends the previews too. */
export const UNASKED_PREVIEWS = 8;
/** Longest edge of a preview, in pixels. */
export const PREVIEW_EDGE = 1024;
/** What Pillow reads for us. Anything else (SVG!) is bytes to save, never something to show. */
export const PICTURE_TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"];
/** What an error card offers: the key field, key and request id, the prompt to copy, or another check alone. */
export const REMEDIES = ["key", "edit", "prompt", "check"] as const;
