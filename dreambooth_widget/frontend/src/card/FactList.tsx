/** Facts as labels and values; each with a button that copies it where there is a place to say so. */
import type { VNode } from "preact";
import { copyText } from "../lightbox/clipboard";
import { IconButton } from "../ui/Button";
import type { Fact } from "./pictureFacts";

interface Props {
  facts: Fact[];
  /** Hears what became of a copy. */
  say?(sentence: string): void;
}

export function FactList({ facts, say }: Props): VNode {
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
              <IconButton icon="copy" label={`Copy ${label.toLowerCase()}`} onClick={copy} />
            </dd>
          )}
        </div>
      ))}
    </dl>
  );
}
