/** Many requests in one cell: head, form, filters, one gallery for all, and the dialogs over it. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { useDialogs } from "../dialogs";
import { Form } from "../Form";
import { useFocusKept } from "../focus";
import { Grid, type Size } from "../Grid";
import { OWN_KEYS, stopKeys } from "../keys";
import { type Fact, factsOf, ofFile, ofJob } from "../metadata";
import { Notes } from "../Notes";
import { Status } from "../Status";
import { useSaving } from "../saving";
import type { Shown } from "../show";
import { useSilence } from "../silence";
import { Toolbar } from "../Toolbar";
import { type PictureEntry, POLL_NOW, RETRY, START, STOP } from "../wire";
import { count } from "../words";
import { BatchTile } from "./BatchTile";
import { countOf, Filters } from "./filters";
import { indexOf } from "./places";
import type { BatchEntry, Filter, Rows } from "./rows";
import { AGAIN, type BatchIntent, type BatchTraits, RETRY_FAILED } from "./wire";
import { type Action, captionOf, describe, labelOf } from "./words";

const INTENTS = { fetch: START, check: POLL_NOW, stop: STOP, failed: RETRY_FAILED, resume: POLL_NOW } as const;

interface Props extends Shown<BatchTraits, BatchIntent> {
  rows: Rows;
  select(indices: Iterable<number>): void;
}

export function BatchCard({ view, store, rows, refused, now, send, select, speak }: Props): VNode {
  const { total, status, _card: card } = view;
  const [size, setSize] = useState<Size>("M");
  const [editing, setEditing] = useState(false);
  const [picked, setPicked] = useState<Filter>("all");
  // The last one of a state may leave it.
  const filter = countOf(picked, view.counts) ? picked : "all";
  const gallery = rows.gallery(filter);
  const saving = useSaving(store);
  const silent = useSilence(view.alive, status !== "processing" && view.counts.success > 0);
  const root = useFocusKept();
  const selected = new Set(view.selected.map(indexOf));
  const chosen = [...selected]
    .map((index) => rows.at(index))
    .filter((entry) => entry?.status === "ready") as BatchEntry[];
  const name = count(total, "request");
  const label = `Pictures of ${name}`;
  const form = card.form || editing;
  const trouble = saving.trouble || (form ? "" : refused);
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
    if (action === "edit") setEditing(true);
    else send({ type: INTENTS[action] });
  };
  const start = (key: string): void => {
    setEditing(false);
    send({ type: START, ...(key && { key }) });
    // Starting is for those that have not begun.
    if (view.counts.error) send({ type: RETRY_FAILED });
  };
  const again = (entry: PictureEntry): void => {
    const { row, place } = entry as BatchEntry;
    if (place === null) send({ type: AGAIN, request: row.request });
    else send({ type: RETRY, request: row.request, index: place });
  };
  const all = (): void => select(gallery.listReady().map((entry) => entry.index));

  return (
    <>
      <section
        ref={root}
        class="dreambooth-card dreambooth-batch"
        aria-label={label}
        tabIndex={-1}
        onKeyDown={stopKeys}
        {...OWN_KEYS}
      >
        <Status
          words={() => describe(view, { now: now(), heard: view.heard })}
          live={status === "processing"}
          since={view.started_at}
          now={now}
          name={name}
          labels={(action) => labelOf(action, view)}
          onAction={act}
          speak={speak}
        />
        {form && <Form requestId={null} hasKey={card.has_key} refused={refused} onStart={start} />}
        <Notes trouble={trouble} silent={silent} />
        {total > 0 && !silent && (
          <div class="dreambooth-controls">
            <Filters of={view.counts} filter={filter} onFilter={setPicked} />
            <Toolbar
              total={gallery.length}
              ready={gallery.ready}
              selected={chosen.length}
              size={size}
              saving={saving.busy}
              onSize={setSize}
              onSelectAll={() => (chosen.length >= gallery.ready ? select([]) : all())}
              onSave={() => void saving.save(chosen.length ? chosen : gallery.listReady())}
              onCompare={() => dialogs.compare(chosen)}
            />
          </div>
        )}
        {gallery.length > 0 && (
          <Grid
            key={filter}
            pictures={gallery}
            tile={(props) => <BatchTile {...props} now={now} />}
            steady
            store={store}
            size={size}
            live={status === "processing"}
            selected={selected}
            focus={dialogs.focus}
            onOpen={dialogs.open}
            onSelect={select}
            onSelectAll={all}
            onSave={(entry) => void saving.save([entry])}
            onRetry={again}
          />
        )}
      </section>
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
