import type { VNode } from "preact";
import { FactList } from "../card/FactList";
import type { Fact } from "../card/pictureFacts";
import { OWN_KEYS } from "../ui/keys";

export function Help({ keys }: { keys: Fact[] }): VNode {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: where it is too low for its text, keys must be able to scroll it.
    <aside class="dreambooth-help" aria-label="Keys" tabIndex={0} {...OWN_KEYS}>
      <FactList facts={keys} />
    </aside>
  );
}
