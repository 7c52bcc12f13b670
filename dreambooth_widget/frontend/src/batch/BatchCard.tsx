/** Many requests in one cell: head, form, filters, one gallery for all, and the dialogs over it. */
import type { VNode } from "preact";
import { useCallback, useState } from "preact/hooks";
import { Alerts, OFFLINE } from "../card/Alerts";
import { CardFrame } from "../card/CardFrame";
import { Form } from "../card/Form";
import { mayTakeFocus, useKeyForm } from "../card/keyForm";
import { useOverduePictures } from "../card/overduePictures";
import { type Fact, factsOf, ofFile, ofJob } from "../card/pictureFacts";
import { Status } from "../card/Status";
import { count } from "../card/statusText";
import { useDownload } from "../gallery/download";
import { Grid, type Size } from "../gallery/Grid";
import type { TileProps } from "../gallery/Tile";
import { Toolbar } from "../gallery/Toolbar";
import { whyNotCompared } from "../lightbox/comparable";
import { useDialogs } from "../lightbox/useDialogs";
import { GridLoupe } from "../loupe/GridLoupe";
import { type PictureEntry, POLL_NOW, RETRY, START, STOP } from "../model/messages";
import type { CardProps } from "../mount";
import { useKeptFocus } from "../ui/keepFocus";
import { BatchTile } from "./BatchTile";
import { type Action, batchButtonLabel, batchStatusText, captionOf } from "./batchText";
import { countOf, Filters } from "./Filters";
import { AGAIN, type BatchIntent, type BatchTraits, RETRY_FAILED } from "./messages";
import type { BatchEntry, Filter, Rows } from "./rows";
import { tileIndex } from "./tileIndex";

/** Two lines with 4 px above them and 4 below. */
const CAPTION = 40;

const INTENTS = { fetch: START, check: POLL_NOW, stop: STOP, failed: RETRY_FAILED, resume: POLL_NOW } as const;

interface Props extends CardProps<BatchTraits, BatchIntent> {
  rows: Rows;
  select(indices: Iterable<number>): void;
}

export function BatchCard({ view, store, rows, kernelError, now, send, select, speak }: Props): VNode {
  const { total, status, _card: card } = view;
  const [size, setSize] = useState<Size>("M");
  const [refused, setRefused] = useState("");
  const [loupe, setLoupe] = useState(false);
  const [picked, setPicked] = useState<Filter>("all");
  const here = view.gone ? { ...view.counts, idle: 0, processing: 0, downloading: 0 } : view.counts;
  // The last one of a state may leave it.
  const filter = countOf(picked, here) ? picked : "all";
  const gallery = rows.gallery(filter, !view.gone);
  const download = useDownload(store);
  const silent = useOverduePictures(view.alive, status !== "processing" && view.counts.success > 0);
  const root = useKeptFocus();
  const selected = new Set(view.selected.map(tileIndex));
  const chosen = [...selected]
    .map((index) => rows.at(index))
    .filter((entry) => entry?.status === "ready") as BatchEntry[];
  const name = count(total, "request");
  const label = `Pictures of ${name}`;
  const keyForm = useKeyForm(status === "error" && card.key_refused, view.finished_at);
  const form = !view.gone && (card.form || keyForm.open);
  const problem = download.problem || (form ? "" : kernelError);
  const dialogs = useDialogs({
    entries: gallery.listReady,
    label,
    captionOf: captionFor,
    factsOf: factsFor,
    selected,
    store,
    onSelect: select,
  });

  const act = (action: Action): void => {
    if (action === "edit") keyForm.edit();
    else send({ type: INTENTS[action] });
  };
  const start = (key: string): void => {
    keyForm.close();
    send({ type: START, ...(key && { key }) });
    // Starting is for those that have not begun.
    if (view.counts.error) send({ type: RETRY_FAILED });
  };
  const again = (entry: PictureEntry): void => {
    const { row, pictureIndex } = entry as BatchEntry;
    if (pictureIndex === null) send({ type: AGAIN, request: row.request });
    else send({ type: RETRY, request: row.request, index: pictureIndex });
  };
  const { prefix } = rows;
  const drawTile = useCallback((props: TileProps) => <BatchTile {...props} prefix={prefix} />, [prefix]);
  const all = (): void => select(gallery.listReady().map((entry) => entry.index));

  return (
    <>
      <CardFrame root={root} label={label} kind="dreambooth-batch" alive={!view.gone && !silent}>
        <Status
          text={() => {
            const said = batchStatusText(view, { ...view, now: now() });
            return form ? { ...said, actions: [] } : said;
          }}
          live={status === "processing" && !view.gone}
          since={view.started_at}
          now={now}
          name={name}
          labels={(action) => batchButtonLabel(action, view)}
          onAction={act}
          speak={speak}
        />
        {form && (
          <Form
            key={keyForm.count}
            requestId={null}
            hasKey={card.has_key && !keyForm.refused}
            kernelError={kernelError || (keyForm.again ? "The service refused this key too." : "")}
            focused={keyForm.open && mayTakeFocus(root.current)}
            onStart={start}
            {...(keyForm.open && { onCancel: keyForm.close })}
          />
        )}
        {total > 0 && !silent && (
          <div class="dreambooth-controls">
            <Filters of={here} filter={filter} onFilter={setPicked} />
            <Toolbar
              total={gallery.length}
              ready={gallery.ready}
              selected={chosen.length}
              size={size}
              downloading={download.busy}
              onSize={setSize}
              onSelectAll={all}
              onClear={() => select([])}
              onDownload={() => void download.start(chosen.length ? chosen : gallery.listReady())}
              onCompare={() => setRefused(dialogs.compare(chosen))}
              loupe={loupe}
              onLoupe={() => setLoupe(!loupe)}
            />
          </div>
        )}
        {gallery.length > 0 && (
          <Grid
            key={filter}
            pictures={gallery}
            tile={drawTile}
            steady
            below={CAPTION}
            store={store}
            size={size}
            live={status === "processing" && !view.gone}
            selected={selected}
            focus={dialogs.focus}
            onOpen={dialogs.open}
            onSelect={select}
            onSelectAll={all}
            onDownload={(entry) => void download.start([entry])}
            onRetry={again}
            factsOf={factsFor}
          />
        )}
        <GridLoupe
          {...{ root, store, speak }}
          pinned={loupe}
          onUnpin={() => setLoupe(false)}
          entryAt={(index) => rows.at(index)}
        />
        <Alerts
          problem={problem}
          silent={silent}
          waiting={download.waiting}
          note={refused === whyNotCompared(chosen.length) ? refused : view.gone && gallery.ready > 0 ? OFFLINE : ""}
        />
      </CardFrame>
      {dialogs.drawn}
    </>
  );
}

const captionFor = (entry: PictureEntry): string => captionOf((entry as BatchEntry).row);

/** Of a picture: its file, its own request, and what its text says. */
function factsFor(entry: PictureEntry): Fact[] {
  const { row, text } = entry as BatchEntry;
  const own = { ...ofFile(entry), ...ofJob({ ...row, request_id: row.id }) };
  return factsOf(own, { prompt: row.caption }, row.meta, text);
}
