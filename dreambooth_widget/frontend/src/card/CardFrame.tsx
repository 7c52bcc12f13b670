/** The card's own element: keys that would edit the notebook end here. */
import type { ComponentChildren, RefObject, VNode } from "preact";
import { OWN_KEYS, stopKeys } from "../ui/keys";

interface Props {
  root: RefObject<HTMLElement | null>;
  label: string;
  /** A second class, or "". */
  kind?: string;
  /** It has its pictures or gets them in a moment, so that the static copy is hidden. */
  alive: boolean;
  children: ComponentChildren;
}

export function CardFrame({ root, label, kind = "", alive, children }: Props): VNode {
  return (
    <section
      ref={root}
      class={`dreambooth-card ${kind}`}
      aria-label={label}
      data-alive={alive || undefined}
      tabIndex={-1}
      onKeyDown={stopKeys}
      {...OWN_KEYS}
    >
      {children}
    </section>
  );
}
