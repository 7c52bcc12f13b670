/** The card of one request, as `mount` needs it. */
import { BLANK, sortedIndices } from "../model/bridge";
import type { ToKernel, Traits } from "../model/messages";
import type { CardDefinition } from "../mount";
import { RequestCard } from "./RequestCard";

export const requestCard: CardDefinition<Traits, ToKernel, never> = {
  blank: BLANK,
  toIntent: (message) => message,
  draw: (props) => <RequestCard {...props} select={(indices) => props.write(sortedIndices(indices))} />,
};
