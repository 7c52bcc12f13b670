/** What a card has to say beside the state of its requests. */
import type { VNode } from "preact";
import { SILENT } from "./kernelSilence";

interface Props {
  /** What could not be done, or "". */
  problem: string;
  silent: boolean;
}

export function Alerts({ problem, silent }: Props): VNode {
  return (
    <>
      {problem && (
        <p class="dreambooth-note" role="alert">
          {problem}
        </p>
      )}
      {silent && <p class="dreambooth-note">{SILENT}</p>}
    </>
  );
}
