/** One picture of the grid: a placeholder, the picture with its controls, or a drawn mark with the reason. */
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { nameOf } from "../card/pictureFacts";
import { capitalized, WAITING_FOR_CELL } from "../card/statusText";
import { browserSeconds, useTicks } from "../model/clock";
import type { PictureEntry, PictureKind } from "../model/messages";
import type { PictureStore } from "../model/pictureStore";
import { Button } from "../ui/Button";
import { Icon } from "../ui/icons";
import { OWN_KEYS } from "../ui/keys";

/** Milliseconds. Thumbnails come unasked; one that has not come by then was lost on the way. */
const LOST_AFTER = 4000;

/** Milliseconds for which a retry that failed was "just now". */
const JUST_NOW = 60_000;

export interface TileProps {
  entry: PictureEntry;
  /** Which of the tiles that are drawn this is, from 0. */
  position: number;
  total: number;
  store: PictureStore;
  /** What is shown, or is to be. */
  kind: PictureKind;
  /** The URL of that, or of something smaller, as long as it is at hand. */
  source: string | undefined;
  /** It is not what is to be shown. */
  lacking: boolean;
  selected: boolean;
  /** Whether Tab leads here: one tile of the grid. */
  active: boolean;
  /** The kernel has gone, so that nothing can be loaded again. */
  offline: boolean;
  onOpen(event: MouseEvent): void;
  onSelect(on: boolean, event: MouseEvent): void;
  onDownload(): void;
  onRetry(): void;
}

interface TileOptions {
  /** What is drawn instead of the picture. */
  children?: ComponentChildren;
  /** Appended to the picture's number for a screen reader, or "". */
  about?: string;
  /** Which of its request's pictures it is, from 0. */
  pictureIndex?: number;
  /** Milliseconds that its thumbnail may take before it is requested. */
  patience?: number;
}

/** How far the reader's last retry of a missing picture has come. */
type Retry = "" | "asked" | "loading" | "failed";

export function Tile(props: TileProps & TileOptions): VNode {
  const { status, reason } = props.entry;
  const [retry, setRetry] = useState<Retry>("");
  useEffect(() => {
    setRetry((last) => {
      if (status === "waiting") return last === "asked" ? "loading" : last;
      if (status === "missing") return last === "loading" ? "failed" : last;
      return "";
    });
  }, [status]);
  useEffect(() => {
    if (retry !== "failed") return;
    const timer = setTimeout(() => setRetry(""), JUST_NOW);
    return () => clearTimeout(timer);
  }, [retry]);
  const onRetry = (): void => {
    setRetry("asked");
    props.onRetry();
  };
  return (
    <div class="dreambooth-tile" data-status={status} data-selected={props.selected || undefined}>
      {props.children ??
        (status === "ready" ? (
          <Ready {...props} />
        ) : status === "missing" ? (
          <Missing {...props} retry={retry} onRetry={onRetry} />
        ) : (
          // Why it is late.
          reason && <Late key={reason} reason={reason} />
        ))}
    </div>
  );
}

function Ready(props: TileProps & TileOptions): VNode {
  const { entry, total, store, kind, source, lacking, selected, active, ...on } = props;
  const { about = "", pictureIndex = entry.index, patience = LOST_AFTER } = on;
  useEffect(() => {
    if (!lacking) return;
    const timer = setTimeout(() => store.want(entry, kind).catch(() => undefined), patience);
    return () => clearTimeout(timer);
  }, [entry.id, kind, lacking]);
  const number = `picture ${pictureIndex + 1}${about}`;
  const tabIndex = active ? 0 : -1;
  return (
    <>
      <Button
        class="dreambooth-open"
        aria-label={nameOf(entry, pictureIndex, total, "Open picture") + about}
        tabIndex={tabIndex}
        onClick={on.onOpen}
      >
        {source && <img src={source} alt="" decoding="async" style={ownSize(entry)} />}
      </Button>
      <input
        type="checkbox"
        aria-label={`Select ${number}`}
        checked={selected}
        tabIndex={tabIndex}
        // Not `onChange`, which knows nothing of Shift. A range takes this one in, whatever the press made of the box.
        onClick={(event) => {
          on.onSelect(event.currentTarget.checked, event);
          if (event.shiftKey) event.currentTarget.checked = true;
        }}
        {...OWN_KEYS}
      />
      <Button
        class="dreambooth-save"
        aria-label={`Download ${number}`}
        title="Download"
        tabIndex={tabIndex}
        onClick={on.onDownload}
      >
        <Icon name="down" />
      </Button>
    </>
  );
}

/** Never larger than its pixels, whatever the tile is. */
const ownSize = ({ width, height }: PictureEntry) => ({
  maxInlineSize: `${width ?? 9999}px`,
  maxBlockSize: `${height ?? 9999}px`,
});

function Missing(props: TileProps & TileOptions & { retry: Retry }): VNode {
  const { entry, store, offline, active, retry, about = "", pictureIndex = entry.index, onRetry } = props;
  const code = /\b[45]\d\d\b/.exec(entry.reason)?.[0];
  const text = {
    "": capitalized(entry.reason) || "Could not be loaded",
    // Now, and not when the grid was drawn: the cell may have begun since.
    asked: store.kernelBusy ? WAITING_FOR_CELL : "Trying again…",
    loading: "Trying again…",
    failed: `Still missing${code ? ` (${code})` : ""} · just now`,
  }[retry];
  return (
    <>
      <Icon name="broken" />
      <p title={entry.reason} role={retry ? "status" : undefined}>
        {text}
      </p>
      {!offline && (
        <Button aria-label={`Retry picture ${pictureIndex + 1}${about}`} tabIndex={active ? 0 : -1} onClick={onRetry}>
          Retry
        </Button>
      )}
    </>
  );
}

/** The kernel's "missing (404); attempt 2 of 6 in 8 s" without the count, which means nothing to a reader. */
const LATE = /^(.*); attempt \d+ of \d+ in (\d+) s$/;

/** What a late picture waits for. Its seconds run from the moment at which the reason came. */
function Late({ reason }: { reason: string }): VNode {
  const [since] = useState(browserSeconds);
  const [, why = reason, seconds = ""] = LATE.exec(reason) ?? [];
  const left = Math.ceil(Number(seconds) - (browserSeconds() - since));
  useTicks(left > 0, since, browserSeconds);
  const next = seconds && ` · ${left > 0 ? `next try in ${left}\u00a0s` : "trying again"}`;
  return <p class="dreambooth-late">{capitalized(why.replace(/^missing\b/, "not there yet")) + next}</p>;
}
