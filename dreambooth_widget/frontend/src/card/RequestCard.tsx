/** One request in one cell: head, form, pictures, and the dialogs over them. Holds what belongs to this view alone. */
import type { VNode } from "preact";
import { useRef, useState } from "preact/hooks";

import { useDownload } from "../gallery/download";
import { Grid, readyIndices, type Size } from "../gallery/Grid";
import { Tile } from "../gallery/Tile";
import { Toolbar } from "../gallery/Toolbar";
import { copyString } from "../lightbox/clipboard";
import { useDialogs } from "../lightbox/useDialogs";
import {
  type Card,
  type PictureEntry,
  POLL_NOW,
  RETRY,
  START,
  STOP,
  type ToKernel,
  type Traits,
} from "../model/messages";
import type { CardProps } from "../mount";
import { useKeptFocus } from "../ui/keepFocus";
import { OWN_KEYS, stopKeys } from "../ui/keys";
import { Alerts, OFFLINE } from "./Alerts";
import { FactList } from "./FactList";
import { Form } from "./Form";
import { useKernelSilence } from "./kernelSilence";
import { factsOf, ofFile, ofJob, sizeText } from "./pictureFacts";
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
  const [copied, setCopied] = useState("");
  const refusal = useRefusal(view);
  const download = useDownload(store);
  const silent = useKernelSilence(view.alive, view.status === "success" && pictures.length > 0);
  const root = useKeptFocus();

  const ready = pictures.filter((entry) => entry.status === "ready");
  const selected = new Set(view.selected);
  const changing = editing || (refusal.current && !refusal.dismissed);
  const form = !view.gone && (card.form || changing);
  const over = !running(view) && view.status !== "success" && view.status !== "idle";
  // Grey tiles mean that pictures are coming, and nothing else.
  const known = over || view.gone ? pictures.filter((entry) => entry.status !== "waiting") : pictures;
  const shown = running(view) && !view.gone && !known.length ? placeholders(card.expected) : known;
  const prompt = card.meta.prompt ?? "";
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
    else if (action === "copy") void copyString(prompt).then(setCopied);
    else send({ type: action === "stop" ? STOP : action === "fetch" ? START : POLL_NOW });
  };
  const closeForm = (): void => {
    setEditing(false);
    refusal.dismiss();
  };
  const start = (key: string, id: string): void => {
    closeForm();
    send({ type: START, ...(key && { key }), ...(id && { request_id: id }) });
  };

  return (
    <>
      <section
        ref={root}
        class="dreambooth-card"
        aria-label={view.request_id ? `Pictures of request ${view.request_id}` : "Pictures"}
        data-alive={(!view.gone && !silent) || undefined}
        tabIndex={-1}
        onKeyDown={stopKeys}
        {...OWN_KEYS}
      >
        <Status
          text={() => {
            const said = statusText(view, { ...view, now: now() });
            return form ? { ...said, actions: [] } : said;
          }}
          live={running(view) && !view.gone}
          since={view.started_at}
          now={now}
          name={card.caption || prompt || (view.request_id && `Request ${view.request_id}`)}
          line={(text) =>
            text.row === "error" && (
              <Failed
                line={refusal.again ? `Refused again. ${text.line}` : text.line}
                details={card.error?.details ?? ""}
              />
            )
          }
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
              onSelectAll={() => select(readyIndices(pictures))}
              onClear={() => select([])}
              onDownload={() => void download.start(chosen.length ? chosen : ready)}
              onCompare={() => dialogs.compare(chosen)}
              onDetails={() => setDetails(!details)}
            />
          )}
        </Status>
        {form && (
          <Form
            key={refusal.count}
            requestId={refusal.current && !editing ? null : view.request_id}
            hasKey={card.has_key && !refusal.current}
            kernelError={kernelError}
            focused={changing && mayTakeFocus(root.current)}
            onStart={start}
            {...(changing && { onCancel: closeForm })}
          />
        )}
        <Alerts
          problem={problem}
          silent={silent}
          waiting={download.waiting}
          note={copied || (view.gone && ready.length > 0 ? OFFLINE : "")}
        />
        {details && <FactList facts={factsOf({ size: sizeText(ready[0]), ...job }, card.meta)} say={setCopied} />}
        {shown.length > 0 && !silent && (
          <Grid
            pictures={shown}
            tile={Tile}
            store={store}
            size={size}
            live={running(view) && !view.gone}
            busy={store.kernelBusy}
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

/** Stand where pictures will be, as many as the last job had, until the service names its own. */
function placeholders(expected: Card["expected"]): PictureEntry[] {
  const { count = 0, width = 0, height = 0 } = expected ?? {};
  const blank = { status: "waiting", reason: "", id: "", name: "", format: "", mime: "", size: 0, text: {} } as const;
  return Array.from({ length: count }, (_, index) => ({ ...blank, index, width, height }));
}

interface Refusal {
  /** The key was refused, and no other one has been tried since. */
  current: boolean;
  /** The reader has closed the form that this opened. */
  dismissed: boolean;
  /** How many keys were refused while this view was open, and whether that is more than one. */
  count: number;
  again: boolean;
  dismiss(): void;
}

/** Follows refused keys, so that a second refusal does not look like the first one. */
function useRefusal({ status, finished_at, _card: card }: Traits): Refusal {
  const [dismissed, setDismissed] = useState(0);
  const seen = useRef({ count: 0, at: null as number | null });
  const current = status === "error" && card.error?.remedy === "key";
  if (current && (seen.current.count === 0 || seen.current.at !== finished_at)) {
    seen.current = { count: seen.current.count + 1, at: finished_at };
  }
  const { count } = seen.current;
  return { current, dismissed: dismissed === count, count, again: count > 1, dismiss: () => setDismissed(count) };
}

/** Not from someone who is typing elsewhere. */
function mayTakeFocus(card: Element | null): boolean {
  const active = document.activeElement;
  return document.hasFocus() && (!active?.matches("input, textarea, [contenteditable]") || !!card?.contains(active));
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
