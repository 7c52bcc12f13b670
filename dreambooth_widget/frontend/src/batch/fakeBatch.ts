/** For unit tests only: a batch whose kernel is the test. */
import { AnyFakeModel, entries } from "../model/fakeModel";
import type { FromKernel, Status } from "../model/messages";
import type { BatchCardTrait, BatchIntent, BatchTraits, Row, RowsMessage } from "./messages";
import { STATUSES } from "./rows";

export const row = (request: number, status: Status = "success", changes: Partial<Row> = {}): Row => ({
  request,
  id: String(13443927 + request),
  caption: `prompt ${request}`,
  status,
  activity: "",
  note: "",
  title: "",
  eta: null,
  started_at: 100,
  finished_at: null,
  next_poll_at: null,
  meta: {},
  pictures: status === "success" ? entries(4).map((entry) => ({ ...entry, id: `${request}/${entry.index}` })) : [],
  ...changes,
});

export const card = (changes: Partial<BatchCardTrait> = {}): BatchCardTrait => ({
  activity: "",
  clock: Date.now() / 1000,
  form: false,
  has_key: true,
  key_refused: false,
  trouble: "",
  ...changes,
});

/** What the kernel says of these rows as a whole. */
export function summary(rows: Row[], changes: Partial<BatchTraits> = {}): BatchTraits {
  const counts = Object.fromEntries(
    STATUSES.all.map((status) => [status, rows.filter((each) => each.status === status).length]),
  ) as BatchTraits["counts"];
  const going = rows.some((each) => STATUSES.waiting.includes(each.status));
  return {
    _kind: "batch",
    status: going ? "processing" : counts.error ? "error" : "success",
    message: `${counts.success} of ${rows.length} done`,
    total: rows.length,
    counts,
    started_at: 100,
    finished_at: going ? null : 131,
    done_at: null,
    next_poll_at: null,
    selected: [],
    _card: card(),
    ...changes,
  };
}

export const message = (rows: Row[], first = false): RowsMessage => ({ type: "rows", rows, first });

export class FakeBatch extends AnyFakeModel<BatchTraits, BatchIntent, FromKernel | RowsMessage> {}
