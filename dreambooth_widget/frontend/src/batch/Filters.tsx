/** Which requests the gallery shows: all, or those in one state. */
import type { VNode } from "preact";
import { factLabel } from "../card/pictureFacts";
import { Button } from "../ui/Button";
import type { BatchTraits } from "./messages";
import { type Filter, STATUSES } from "./rows";

type Counts = BatchTraits["counts"];

export const countOf = (filter: Filter, counts: Counts): number =>
  STATUSES[filter].reduce((sum, status) => sum + counts[status], 0);

interface Props {
  of: Counts;
  filter: Filter;
  onFilter(filter: Filter): void;
}

export function Filters({ of, filter, onFilter }: Props): VNode {
  return (
    <fieldset class="dreambooth-toolbar dreambooth-filters" aria-label="Show requests">
      {(Object.keys(STATUSES) as Filter[])
        .filter((each) => each === "all" || countOf(each, of))
        .map((each) => (
          <Button key={each} aria-pressed={filter === each} onClick={() => onFilter(each)}>
            {factLabel(each)} <small>{countOf(each, of)}</small>
          </Button>
        ))}
    </fieldset>
  );
}
