/** Which requests the gallery shows: all, or those in one state. */
import type { VNode } from "preact";
import { Button } from "../Button";
import { labelOf } from "../metadata";
import { type Filter, GROUP_OF } from "./rows";
import type { BatchTraits } from "./wire";

const FILTERS: Filter[] = ["all", "waiting", "done", "failed", "stopped"];

type Counted = Pick<BatchTraits, "total" | "counts">;

export function countOf(filter: Filter, { total, counts }: Counted): number {
  if (filter === "all") return total;
  return Object.entries(counts).reduce((sum, [status, count]) => {
    return GROUP_OF[status as keyof typeof counts] === filter ? sum + count : sum;
  }, 0);
}

interface Props {
  of: Counted;
  filter: Filter;
  onFilter(filter: Filter): void;
}

export function Filters({ of, filter, onFilter }: Props): VNode {
  return (
    <fieldset class="dreambooth-toolbar dreambooth-filters" aria-label="Show requests">
      {FILTERS.filter((each) => each === "all" || countOf(each, of)).map((each) => (
        <Button key={each} aria-pressed={filter === each} onClick={() => onFilter(each)}>
          {labelOf(each)} <small>{countOf(each, of)}</small>
        </Button>
      ))}
    </fieldset>
  );
}
