/** One request in one cell: head, form, pictures, and the dialogs over them. Holds what belongs to this view alone. */
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Facts } from "./Facts";
import { Form } from "./Form";
import { useFocusKept } from "./focus";
import { Grid, readyIndices, type Size } from "./Grid";
import { OWN_KEYS, stopKeys } from "./keys";
import { Compare, Lightbox } from "./lightbox";
import type { View } from "./model";
import type { KernelPictures } from "./pictureStore";
import { Status } from "./Status";
import { saveBlob } from "./save";
import { Toolbar } from "./Toolbar";
import { CHECK, type PictureEntry, RETRY, START, STOP, type ToKernel } from "./wire";
import { type Action, running } from "./words";

/** Pictures that are known but do not come: a saved page without a kernel, or a kernel held by a cell. */
const SILENT_AFTER = 5000;
const SILENT =
  "The kernel does not answer, so the pictures are not here. They come when it does, or when the cell runs again.";

interface Props {
  view: View;
  store: KernelPictures;
  /** Why the kernel did not take the form, or "". */
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
  const [saving, setSaving] = useState(false);
  const [note, setNote] = useState("");
  const silent = useSilence(view);
  const root = useFocusKept();

  const ready = pictures.filter((entry) => entry.status === "ready");
  const selected = new Set(view.selected);
  const chosen = ready.filter((entry) => selected.has(entry.index));

  const act = (action: Action): void => {
    if (action === "edit") setEditing(true);
    else send({ type: action === "stop" ? STOP : action === "fetch" ? START : CHECK });
  };
  const start = (key: string, id: string): void => {
    setEditing(false);
    send({ type: START, ...(key && { key }), request_id: id });
  };
  const save = async (entries: PictureEntry[]): Promise<void> => {
    const [first] = entries;
    if (!first) return;
    setSaving(true);
    setNote("");
    try {
      if (entries.length === 1) saveBlob(await store.bytes(first, "original"), first.name);
      else await store.zip(entries.map((entry) => entry.index)).then(({ blob, name }) => saveBlob(blob, name));
    } catch (fault) {
      const sentence = `Not downloaded: ${(fault as Error).message}.`;
      setNote(sentence);
      speak(sentence);
    }
    setSaving(false);
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
              saving={saving}
              details={details}
              onSize={setSize}
              onSelectAll={() => select(chosen.length === ready.length ? [] : readyIndices(pictures))}
              onSave={() => void save(chosen.length ? chosen : ready)}
              onCompare={compare}
              onDetails={() => setDetails(!details)}
            />
          )}
        </Status>
        {(card.form || editing) && (
          <Form requestId={view.request_id} hasKey={card.has_key} refused={refused} onStart={start} />
        )}
        {(note || silent) && <p class="dreambooth-note">{note || SILENT}</p>}
        {details && <Facts view={view} />}
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
            onSave={(entry) => void save([entry])}
            onRetry={(entry) => send({ type: RETRY, index: entry.index })}
          />
        )}
      </section>
      {open !== null && (
        <Lightbox
          entries={ready}
          meta={card.meta}
          requestId={view.request_id}
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

/** True when pictures are known, the job is over, and nothing at all was heard since this view appeared. */
function useSilence({ alive, pictures, status }: View): boolean {
  const [late, setLate] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    if (alive) return;
    timer.current = setTimeout(() => setLate(true), SILENT_AFTER);
    return () => clearTimeout(timer.current);
  }, [alive]);
  return late && !alive && status === "success" && pictures.length > 0;
}
