/** The card of a batch, as `mount` needs it. Its rows come as messages, so each view holds its own. */
import { sortedIndices } from "../model/bridge";
import type { CardDefinition } from "../mount";
import { BatchCard } from "./BatchCard";
import { type BatchIntent, type BatchTraits, ROWS, type RowsMessage } from "./messages";
import { Rows } from "./rows";
import { pictureKey, toBatchIntent } from "./tileIndex";

/** What a card without any rows is drawn from: the kernel sends the rest before the first row. */
const BLANK = {
  _kind: "batch",
  status: "idle",
  message: "",
  total: 0,
  counts: {},
  started_at: null,
  finished_at: null,
  done_at: null,
  next_poll_at: null,
  selected: [],
  _card: { clock: 0 },
} as unknown as BatchTraits;

export function batchCard(): CardDefinition<BatchTraits, BatchIntent, RowsMessage> {
  const rows = new Rows();
  return {
    blank: BLANK,
    toIntent: toBatchIntent,
    receive: (message) => {
      if (message.type === ROWS) rows.take(message);
    },
    draw: (props) => (
      <BatchCard {...props} rows={rows} select={(indices) => props.write(sortedIndices(indices).map(pictureKey))} />
    ),
  };
}
