/** One request in one cell: head, form, pictures, and the dialogs over them. Holds what belongs to this view alone. */
import type { ComponentChildren, VNode } from "preact";
import { useState } from "preact/hooks";

import { useDownload } from "../gallery/download";
import { Grid, readyIndices, type Size } from "../gallery/Grid";
import { Tile, type TileProps } from "../gallery/Tile";
import { Toolbar } from "../gallery/Toolbar";
import { copyString } from "../lightbox/clipboard";
import { whyNotCompared } from "../lightbox/comparable";
import { useDialogs } from "../lightbox/useDialogs";
import { GridLoupe } from "../loupe/GridLoupe";
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
import { OWN_KEYS } from "../ui/keys";
import { Alerts, OFFLINE } from "./Alerts";
import { useArrival } from "./arrival";
import { CardFrame } from "./CardFrame";
import { FactList } from "./FactList";
import { Form } from "./Form";
import { mayTakeFocus, useKeyForm } from "./keyForm";
import { useOverduePictures } from "./overduePictures";
import { type Fact, factsOf, ofFile, ofJob, sizeText } from "./pictureFacts";
import { Status } from "./Status";
import { type Action, buttonLabel, running, statusText } from "./statusText";

interface Props extends CardProps<Traits, ToKernel> {
  select(indices: Iterable<number>): void;
}

export function RequestCard({ view: latest, store, kernelError, now, send, select, speak }: Props): VNode {
  const root = useKeptFocus();
  const arrived = useArrival(latest.status, root);
  const view = arrived || latest.gone ? latest : { ...latest, status: "downloading" as const };
  const { pictures, _card: card } = view;
  const [size, setSize] = useState<Size>("M");
  const [details, setDetails] = useState(false);
  const [copied, setCopied] = useState("");
  const [refused, setRefused] = useState("");
  const [loupe, setLoupe] = useState(false);
  const keyForm = useKeyForm(view.status === "error" && card.error?.remedy === "key", view.finished_at);
  const download = useDownload(store);
  const silent = useOverduePictures(view.alive, view.status === "success" && pictures.length > 0);

  const ready = pictures.filter((entry) => entry.status === "ready");
  const selected = new Set(view.selected);
  const form = !view.gone && (card.form || keyForm.open);
  const over = !running(view) && view.status !== "success" && view.status !== "idle";
  // Grey tiles mean that pictures are coming, and nothing else.
  const known = over || view.gone ? pictures.filter((entry) => entry.status !== "waiting") : pictures;
  const shown = running(view) && !view.gone ? coming(known, card.expected) : known;
  const prompt = card.meta.prompt ?? "";
  const problem = download.problem || (form ? "" : kernelError);
  const job = ofJob(view);
  const factsFor = (entry: PictureEntry): Fact[] => factsOf({ ...ofFile(entry), ...job }, card.meta, entry.text);
  const chosen = ready.filter((entry) => selected.has(entry.index));
  const dialogs = useDialogs({
    entries: () => ready,
    label: `Pictures of request ${view.request_id}`,
    captionOf: () => "",
    factsOf: factsFor,
    selected,
    store,
    onSelect: select,
  });

  const act = (action: Action): void => {
    if (action === "edit") keyForm.edit();
    else if (action === "copy") void copyString(prompt).then(setCopied);
    else send({ type: action === "stop" ? STOP : action === "fetch" ? START : POLL_NOW });
  };
  const start = (key: string, id: string): void => {
    keyForm.close();
    send({ type: START, ...(key && { key }), ...(id && { request_id: id }) });
  };

  return (
    <>
      <CardFrame
        root={root}
        label={view.request_id ? `Pictures of request ${view.request_id}` : "Pictures"}
        alive={!view.gone && !silent}
      >
        <Status
          text={() => {
            const said = statusText(view, { ...view, now: now() });
            return form ? { ...said, actions: [] } : said;
          }}
          live={running(view) && !view.gone}
          since={view.started_at}
          now={now}
          name={card.caption || prompt || nameOfRequest(view.request_id)}
          line={(text) =>
            text.row === "error" && (
              <Failed
                line={keyForm.again ? `Refused again. ${text.line}` : text.line}
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
              onCompare={() => setRefused(dialogs.compare(chosen))}
              loupe={loupe}
              onLoupe={() => setLoupe(!loupe)}
              onDetails={() => setDetails(!details)}
            />
          )}
        </Status>
        {form && (
          <Form
            key={keyForm.count}
            requestId={keyForm.refused && !keyForm.editing ? null : view.request_id}
            hasKey={card.has_key && !keyForm.refused}
            kernelError={kernelError}
            focused={keyForm.open && mayTakeFocus(root.current)}
            onStart={start}
            {...(keyForm.open && { onCancel: keyForm.close })}
          />
        )}
        {details && <FactList facts={factsOf({ size: sizeText(ready[0]), ...job }, card.meta)} say={setCopied} />}
        {shown.length > 0 && !silent && (
          <Grid
            pictures={shown}
            tile={drawTile}
            store={store}
            size={size}
            live={running(view) && !view.gone}
            selected={selected}
            focus={dialogs.focus}
            onOpen={dialogs.open}
            onSelect={select}
            onSelectAll={() => select(readyIndices(pictures))}
            onDownload={(entry) => void download.start([entry])}
            onRetry={(entry) => send({ type: RETRY, index: entry.index })}
            factsOf={factsFor}
          />
        )}
        <GridLoupe
          {...{ root, store, speak }}
          pinned={loupe}
          onUnpin={() => setLoupe(false)}
          entryAt={(index) => ready.find((entry) => entry.index === index)}
        />
        <Alerts
          problem={problem}
          silent={silent}
          waiting={download.waiting}
          note={
            copied ||
            (refused === whyNotCompared(chosen.length) && refused) ||
            (view.gone && ready.length > 0 ? OFFLINE : "")
          }
        />
      </CardFrame>
      {dialogs.drawn}
    </>
  );
}

const drawTile = (props: TileProps): VNode => <Tile {...props} />;

/** Where it is narrow, the number alone: cut off it would say nothing. */
const nameOfRequest = (id: string): ComponentChildren =>
  id && (
    <>
      <span>Request </span>
      {id}
    </>
  );

/** Pictures that are coming, with what this kernel's last job tells of their number and their size where nobody says it. */
function coming(pictures: PictureEntry[], expected: Card["expected"]): PictureEntry[] {
  if (!expected || pictures.some((entry) => entry.width)) return pictures;
  const { count, width, height } = expected;
  if (pictures.length) return pictures.map((entry) => ({ ...entry, width, height }));
  const blank = { status: "waiting", reason: "", id: "", name: "", format: "", mime: "", size: 0, text: {} } as const;
  return Array.from({ length: count }, (_, index) => ({ ...blank, index, width, height }));
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
