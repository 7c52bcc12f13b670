/** One request in one cell: head, form, pictures, and the dialogs over them. Holds what belongs to this view alone. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { Facts } from "./Facts";
import { Form } from "./Form";
import { useFocusKept } from "./focus";
import { Grid, readyIndices, type Size } from "./Grid";
import { OWN_KEYS, stopKeys } from "./keys";
import { Compare, Lightbox } from "./lightbox";
import { factsOf, ofJob } from "./metadata";
import type { View } from "./model";
import type { KernelPictures } from "./pictureStore";
import { Status } from "./Status";
import { useSaving } from "./saving";
import { SILENT, useSilence } from "./silence";
import { Toolbar } from "./Toolbar";
import { CHECK, type PictureEntry, RETRY, START, STOP, type ToKernel } from "./wire";
import { type Action, running } from "./words";

interface Props {
  view: View;
  store: KernelPictures;
  /** Why the kernel did not do what was asked of it last, or "". */
  refused: string;
  now(): number;
  send(message: ToKernel): void;
  select(indices: Iterable<number>): void;
  speak(sentence: string): void;
}

export function Card({ view, store, refused, now, send, select, speak }: Props): VNode {
  const { pictures, _card: card } = view;
  const [size, setSize] = useState<Size>("M");
  const [details, setDetails] = useState(false);
  const [editing, setEditing] = useState(false);
  const [open, setOpen] = useState<number | null>(null);
  const [pair, setPair] = useState<[PictureEntry, PictureEntry] | null>(null);
  const [focus, setFocus] = useState<{ index: number } | null>(null);
  const saving = useSaving(store);
  const silent = useSilence(view);
  const root = useFocusKept();

  const ready = pictures.filter((entry) => entry.status === "ready");
  const selected = new Set(view.selected);
  const form = card.form || editing;
  const trouble = saving.trouble || (form ? "" : refused);
  const job = ofJob(view);
  const chosen = ready.filter((entry) => selected.has(entry.index));

  const act = (action: Action): void => {
    if (action === "edit") setEditing(true);
    else send({ type: action === "stop" ? STOP : action === "fetch" ? START : CHECK });
  };
  const start = (key: string, id: string): void => {
    setEditing(false);
    send({ type: START, ...(key && { key }), request_id: id });
  };
  const compare = (): void => {
    const [left, right] = chosen;
    if (left && right) setPair([left, right]);
  };

  return (
    <>
      <section
        ref={root}
        class="dreambooth-card"
        aria-label={view.request_id ? `Pictures of request ${view.request_id}` : "Pictures"}
        tabIndex={-1}
        onKeyDown={stopKeys}
        {...OWN_KEYS}
      >
        <Status view={view} now={now} onAction={act} speak={speak}>
          {view.status === "success" && !silent && (
            <Toolbar
              total={pictures.length}
              ready={ready.length}
              selected={chosen.length}
              size={size}
              saving={saving.busy}
              details={details}
              onSize={setSize}
              onSelectAll={() => select(chosen.length === ready.length ? [] : readyIndices(pictures))}
              onSave={() => void saving.save(chosen.length ? chosen : ready)}
              onCompare={compare}
              onDetails={() => setDetails(!details)}
            />
          )}
        </Status>
        {form && <Form requestId={view.request_id} hasKey={card.has_key} refused={refused} onStart={start} />}
        {trouble && (
          <p class="dreambooth-note" role="alert">
            {trouble}
          </p>
        )}
        {silent && <p class="dreambooth-note">{SILENT}</p>}
        {details && <Facts facts={factsOf(job, card.meta)} />}
        {pictures.length > 0 && !silent && (
          <Grid
            pictures={pictures}
            store={store}
            size={size}
            live={running(view)}
            selected={selected}
            focus={focus}
            onOpen={(entry) => setOpen(ready.indexOf(entry))}
            onSelect={select}
            onSave={(entry) => void saving.save([entry])}
            onRetry={(entry) => send({ type: RETRY, index: entry.index })}
          />
        )}
      </section>
      {open !== null && (
        <Lightbox
          entries={ready}
          meta={card.meta}
          job={job}
          start={open}
          selected={selected}
          store={store}
          onSelect={(index, on) => select(on ? [...selected, index] : [...selected].filter((other) => other !== index))}
          onClose={(position) => {
            const entry = ready[position];
            setOpen(null);
            if (entry) setFocus({ index: entry.index });
          }}
        />
      )}
      {pair && (
        <Compare
          left={pair[0]}
          right={pair[1]}
          store={store}
          onClose={() => {
            setPair(null);
            setFocus({ index: pair[0].index });
          }}
        />
      )}
    </>
  );
}
