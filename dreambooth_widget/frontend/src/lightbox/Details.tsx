import type { VNode } from "preact";
import { useRef } from "preact/hooks";
import { copyText } from "./copy";
import type { Row } from "./rows";
import { Tool } from "./Tool";

/** What is known of the picture, each with a button that copies it. */
export function Details({ rows, say }: { rows: Row[]; say(sentence: string): void }): VNode {
  return (
    <aside class="dreambooth-details" aria-label="Details">
      <dl>
        {rows.map((row) => (
          <Fact key={row.label} {...row} say={say} />
        ))}
      </dl>
    </aside>
  );
}

function Fact({ label, value, say }: Row & { say(sentence: string): void }): VNode {
  const ref = useRef<HTMLElement>(null);
  const copy = async (): Promise<void> => {
    if (ref.current) say(await copyText(ref.current));
  };
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        <bdi ref={ref}>{value}</bdi>
      </dd>
      <dd>
        <Tool icon="copy" label={`Copy ${label.toLowerCase()}`} onClick={copy} />
      </dd>
    </div>
  );
}
