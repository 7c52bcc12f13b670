/** What a card has to say beside the state of its requests. */
import type { VNode } from "preact";
import { SILENT } from "./silence";

interface Props {
  /** What could not be done, or "". */
  trouble: string;
  silent: boolean;
}

export function Notes({ trouble, silent }: Props): VNode {
  return (
    <>
      {trouble && (
        <p class="dreambooth-note" role="alert">
          {trouble}
        </p>
      )}
      {silent && <p class="dreambooth-note">{SILENT}</p>}
    </>
  );
}
