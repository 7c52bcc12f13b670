/** One request in one cell: head, form, pictures, and the dialogs over them. Holds what belongs to this view alone. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { useDownload } from "../gallery/download";
import { Grid, readyIndices, type Size } from "../gallery/Grid";
import { Tile } from "../gallery/Tile";
import { Toolbar } from "../gallery/Toolbar";
import { useDialogs } from "../lightbox/useDialogs";
import { POLL_NOW, RETRY, START, STOP, type ToKernel, type Traits } from "../model/messages";
import type { CardProps } from "../mount";
import { useKeptFocus } from "../ui/keepFocus";
import { OWN_KEYS, stopKeys } from "../ui/keys";
import { Alerts } from "./Alerts";
import { FactList } from "./FactList";
import { Form } from "./Form";
import { useKernelSilence } from "./kernelSilence";
import { factsOf, ofFile, ofJob } from "./pictureFacts";
import { Status } from "./Status";
import { type Action, buttonLabel, running, statusText } from "./statusText";

interface Props extends CardProps<Traits, ToKernel> {
  select(indices: Iterable<number>): void;
}

export function RequestCard({ view, store, kernelError, now, send, select, speak }: Props): VNode {
  const { pictures, _card: card } = view;
  const [size, setSize] = useState<Size>("M");
  const [details, setDetails] = useState(false);
  const [editing, setEditing] = useState(false);
  const download = useDownload(store);
  const silent = useKernelSilence(view.alive, view.status === "success" && pictures.length > 0);
  const root = useKeptFocus();

  const ready = pictures.filter((entry) => entry.status === "ready");
  const selected = new Set(view.selected);
  const form = card.form || editing;
  const problem = download.problem || (form ? "" : kernelError);
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
          text={() => statusText(view, { now: now(), heard: view.heard })}
          live={running(view)}
          since={view.started_at}
          now={now}
          name={view.request_id}
          line={(text) => text.row === "error" && <Failed line={text.line} details={card.error?.details ?? ""} />}
          labels={(action) => buttonLabel(action, view.status)}
          onAction={act}
          speak={speak}
        >
          {view.status === "success" && !silent && (
            <Toolbar
              total={pictures.length}
              ready={ready.length}
              selected={chosen.length}
              size={size}
              downloading={download.busy}
              details={details}
              onSize={setSize}
              onSelectAll={() => select(chosen.length === ready.length ? [] : readyIndices(pictures))}
              onDownload={() => void download.start(chosen.length ? chosen : ready)}
              onCompare={() => dialogs.compare(chosen)}
              onDetails={() => setDetails(!details)}
            />
          )}
        </Status>
        {form && <Form requestId={view.request_id} hasKey={card.has_key} kernelError={kernelError} onStart={start} />}
        <Alerts problem={problem} silent={silent} />
        {details && <FactList facts={factsOf(job, card.meta)} />}
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
            onDownload={(entry) => void download.start([entry])}
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
