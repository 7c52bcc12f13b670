import type { VNode } from "preact";
import { Facts } from "../Facts";
import { OWN_KEYS } from "../keys";
import { HELP } from "./keymap";

export function Help(): VNode {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: where it is too low for its text, keys must be able to scroll it.
    <aside class="dreambooth-help" aria-label="Keys" tabIndex={0} {...OWN_KEYS}>
      <Facts facts={HELP} />
    </aside>
  );
}
