import type { VNode } from "preact";
import { FactList } from "../card/FactList";
import { OWN_KEYS } from "../ui/keys";
import { HELP } from "./keymap";

export function Help(): VNode {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: where it is too low for its text, keys must be able to scroll it.
    <aside class="dreambooth-help" aria-label="Keys" tabIndex={0} {...OWN_KEYS}>
      <FactList facts={HELP} />
    </aside>
  );
}
