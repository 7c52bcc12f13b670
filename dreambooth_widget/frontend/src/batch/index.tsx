/** anywidget's entry for a batch: one call of `render` per view, whose rows come as messages. */
import { inOrder } from "../model";
import { show, type Place as Where } from "../show";
import { BatchCard } from "./BatchCard";
import "./batch.css";
import { inPlaces, placeOf } from "./places";
import { Rows } from "./rows";
import { type BatchIntent, type BatchTraits, ROWS, type RowsMessage } from "./wire";

/** Only what a card without any rows is drawn from: the kernel says the rest before there is one. */
const BLANK = {
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

function render(where: Where<BatchTraits, BatchIntent>): () => void {
  const rows = new Rows();
  return show(where, {
    blank: BLANK,
    asked: inPlaces,
    receive: (message: RowsMessage) => {
      if (message.type === ROWS) rows.take(message);
    },
    draw: (shown) => (
      <BatchCard {...shown} rows={rows} select={(indices) => shown.write(inOrder(indices).map(placeOf))} />
    ),
  });
}

export default { render };
