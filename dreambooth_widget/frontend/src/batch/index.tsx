/** anywidget's entry for a batch: one call of `render` per view, whose rows come as messages. */
import { inOrder } from "../model";
import { show, type Place as Where } from "../show";
import { BatchCard } from "./BatchCard";
import "./batch.css";
import { inPlaces, placeOf } from "./places";
import { Rows } from "./rows";
import { type BatchIntent, type BatchTraits, ROWS, type RowsMessage } from "./wire";

const BLANK: BatchTraits = {
  status: "idle",
  message: "",
  total: 0,
  counts: { idle: 0, processing: 0, downloading: 0, success: 0, error: 0, stopped: 0, timed_out: 0 },
  started_at: null,
  finished_at: null,
  done_at: null,
  next_poll_at: null,
  selected: [],
  _card: { activity: "", clock: 0, form: false, has_key: false, trouble: "" },
};

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
