/** What build.mjs makes of JSX: calls of `h` are shorter than those of the automatic runtime that the types know. */
export { Fragment, h } from "preact";
