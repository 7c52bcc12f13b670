/** One request in one cell: head, form, pictures, and the dialogs over them. Holds what belongs to this view alone. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { useDialogs } from "./dialogs";
import { Facts } from "./Facts";
import { Form } from "./Form";
import { useFocusKept } from "./focus";
import { Grid, readyIndices, type Size } from "./Grid";
import { OWN_KEYS, stopKeys } from "./keys";
import { factsOf, ofFile, ofJob } from "./metadata";
import { Notes } from "./Notes";
import { Status } from "./Status";
import { useSaving } from "./saving";
import type { Shown } from "./show";
import { useSilence } from "./silence";
import { Tile } from "./Tile";
import { Toolbar } from "./Toolbar";
import { POLL_NOW, RETRY, START, STOP, type ToKernel, type Traits } from "./wire";
import { type Action, describe, labelOf, running } from "./words";

interface Props extends Shown<Traits, ToKernel> {
  select(indices: Iterable<number>): void;
}

export function Card({ view, store, refused, now, send, select, speak }: Props): VNode {
  const { pictures, _card: card } = view;
  const [size, setSize] = useState<Size>("M");
  const [details, setDetails] = useState(false);
  const [editing, setEditing] = useState(false);
  const saving = useSaving(store);
  const silent = useSilence(view.alive, view.status === "success" && pictures.length > 0);
  const root = useFocusKept();

  const ready = pictures.filter((entry) => entry.status === "ready");
  const selected = new Set(view.selected);
  const form = card.form || editing;
  const trouble = saving.trouble || (form ? "" : refused);
  const job = ofJob(view);
  const chosen = ready.filter((entry) => selected.has(entry.index));
  const dialogs = useDialogs({
    entries: () => ready,
    label: `Pictures of request ${view.request_id}`,
    captionOf: () => "",
    factsOf: (entry) => factsOf({ ...ofFile(entry), ...job }, card.meta, entry.text),
    selected,
    store,
    onSelect: select,
  });

  const act = (action: Action): void => {
    if (action === "edit") setEditing(true);
    else send({ type: action === "stop" ? STOP : action === "fetch" ? START : POLL_NOW });
  };
  const start = (key: string, id: string): void => {
    setEditing(false);
    send({ type: START, ...(key && { key }), request_id: id });
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
        <Status
          words={() => describe(view, { now: now(), heard: view.heard })}
          live={running(view)}
          since={view.started_at}
          now={now}
          name={view.request_id}
          line={(words) => words.row === "error" && <Failed line={words.line} details={card.error?.details ?? ""} />}
          labels={(action) => labelOf(action, view.status)}
          onAction={act}
          speak={speak}
        >
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
              onCompare={() => dialogs.compare(chosen)}
              onDetails={() => setDetails(!details)}
            />
          )}
        </Status>
        {form && <Form requestId={view.request_id} hasKey={card.has_key} refused={refused} onStart={start} />}
        <Notes trouble={trouble} silent={silent} />
        {details && <Facts facts={factsOf(job, card.meta)} />}
        {pictures.length > 0 && !silent && (
          <Grid
            pictures={pictures}
            tile={Tile}
            store={store}
            size={size}
            live={running(view)}
            selected={selected}
            focus={dialogs.focus}
            onOpen={dialogs.open}
            onSelect={select}
            onSelectAll={() => select(readyIndices(pictures))}
            onSave={(entry) => void saving.save([entry])}
            onRetry={(entry) => send({ type: RETRY, index: entry.index })}
          />
        )}
      </section>
      {dialogs.drawn}
    </>
  );
}

/** Why it failed, and behind a button what the service itself said. */
function Failed({ line, details }: { line: string; details: string }): VNode {
  return (
    <div class="dreambooth-line">
      <p role="alert" dir="auto">
        {line}
      </p>
      {details && (
        <details>
          <summary {...OWN_KEYS}>Details</summary>
          <pre>{details}</pre>
        </details>
      )}
    </div>
  );
}
