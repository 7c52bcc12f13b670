/** Facts as labels and values; each with a button that copies it where there is a place to say so. */
import type { VNode } from "preact";
import { copyText } from "./lightbox/copy";
import type { Fact } from "./metadata";
import { Tool } from "./Tool";

interface Props {
  facts: Fact[];
  /** Hears what became of a copy. */
  say?(sentence: string): void;
}

export function Facts({ facts, say }: Props): VNode {
  const copy = async ({ currentTarget }: { currentTarget: Element }): Promise<void> => {
    const value = currentTarget.closest("dd")?.previousElementSibling;
    if (value) say?.(await copyText(value));
  };
  return (
    <dl>
      {facts.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd dir="auto">{value}</dd>
          {say && (
            <dd>
              <Tool icon="copy" label={`Copy ${label.toLowerCase()}`} onClick={copy} />
            </dd>
          )}
        </div>
      ))}
    </dl>
  );
}
