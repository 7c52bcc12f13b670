/** What a card has to say beside the state of its requests. */
import type { VNode } from "preact";
import { NO_ANSWER } from "./overduePictures";
import { WAITING_FOR_CELL } from "./statusText";

export const OFFLINE = "The kernel has gone. What is shown here can still be copied and downloaded, as previews.";

interface Props {
  /** What could not be done, or "". */
  problem: string;
  /** Pictures should be here, and nothing comes from the kernel. */
  silent: boolean;
  /** Something was asked of a kernel that a cell holds. */
  waiting?: boolean;
  /** What became of a copy, or what is still there without a kernel. */
  note?: string;
}

export function Alerts({ problem, silent, waiting, note }: Props): VNode {
  const text = silent ? NO_ANSWER : waiting ? `${WAITING_FOR_CELL}.` : note;
  return (
    <>
      {problem && (
        <p class="dreambooth-note" role="alert">
          {problem}
        </p>
      )}
      {text && (
        <p class="dreambooth-note" role="status">
          {text}
        </p>
      )}
    </>
  );
}
