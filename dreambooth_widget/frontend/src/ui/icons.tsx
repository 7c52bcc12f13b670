/**
 * The icons: lines of ours on a 16 px grid, one stroke width, in the colour of the text. They are decoration
 * (`aria-hidden`); the word stands beside them or in the button's label.
 */
import type { VNode } from "preact";

/** One path each. Both the card and the lightbox draw from here. */
const PATHS = {
  /* the chip */
  idle: "M8 2.5a5.5 5.5 0 1 0 .01 0Z",
  half: "M8 2.5a5.5 5.5 0 1 0 .01 0ZM8 2.5v11M10 3.5v9M12 5v6",
  retry: "M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3",
  busy: "M3.5 7.5h.5v.5h-.5ZM8 7.5h.5v.5h-.5ZM12.5 7.5h.5v.5h-.5Z",
  down: "M8 2.5v8M4.5 7.5 8 11l3.5-3.5M3 13.5h10",
  check: "m3 8.5 3.5 3.5L13 4.5",
  cross: "m4 4 8 8M12 4l-8 8",
  stop: "M4.5 4.5h7v7h-7Z",
  sand: "M4 2.5h8M4 13.5h8M5 2.5v2.2L8 8l3-3.3V2.5M5 13.5v-2.2L8 8l3 3.3v2.2",
  /* tiles and toolbar */
  broken: "M13.5 8V2.5h-11v11H7M5 6h.01M2.5 11 5.5 8.5 8 10.5M10 10l4 4M14 10l-4 4",
  all: "M2.5 2.5h8v8h-8ZM13.5 5v8.5H5M4.5 6.5 6 8l2.5-3",
  compare: "M2.5 3.5h11v9h-11ZM8 1.5v13M5.5 6.5 4 8l1.5 1.5M10.5 6.5 12 8l-1.5 1.5",
  info: "M8 2.5a5.5 5.5 0 1 0 .01 0ZM8 7.5V11M8 5h.01",
  /* the lightbox */
  minus: "M3 8h10",
  plus: "M3 8h10M8 3v10",
  copy: "M6 5.5h7.5V14H6ZM10 5.5V2.5H2.5v8.5H6",
  wipe: "M2.5 3.5h11v9h-11ZM8 1.5v13M10.5 6v4",
  blink: "M1.5 8C4.5 3 11.5 3 14.5 8C11.5 13 4.5 13 1.5 8ZM8 6a2 2 0 1 0 .01 0Z",
  loupe: "M7 2.5a4.5 4.5 0 1 0 .01 0ZM10.5 10.5 14 14M7 5v4M5 7h4",
  previous: "m10 3-5 5 5 5",
  unchecked: "M2.5 2.5h11v11h-11Z",
  checked: "M2.5 2.5h11v11h-11ZM5 8l2 2.2L11 6",
  next: "m6 3 5 5-5 5",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }): VNode {
  return (
    <svg class="dreambooth-icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
