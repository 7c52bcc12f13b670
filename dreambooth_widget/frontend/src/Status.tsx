/** The card's head: chip, request, clock, bar, line and buttons. It alone is drawn again with each second. */
import type { ComponentChildren, VNode } from "preact";
import { useEffect } from "preact/hooks";
import { Button } from "./Button";
import { useTicks } from "./clock";
import { Icon } from "./icons";
import { OWN_KEYS } from "./keys";
import type { View } from "./model";
import { type Action, type Bar, describe, running, type Words } from "./words";

const LABELS: Record<Action, string> = {
  fetch: "Fetch",
  check: "Check now",
  stop: "Stop waiting",
  again: "Try again",
  resume: "Check again",
  edit: "Edit key",
};

/** The one that most people want now; the others step back. */
const MAIN: Action[] = ["fetch", "again", "resume"];

interface Props {
  view: View;
  now(): number;
  onAction(action: Action): void;
  speak(sentence: string): void;
  /** What stands at the end of the line when there are no buttons: the toolbar. */
  children?: ComponentChildren;
}

export function Status({ view, now, onAction, speak, children }: Props): VNode {
  useTicks(running(view), view.started_at ?? 0, now);
  const words = describe(view, { now: now(), heard: view.heard });
  // Its beginning is the milestone, not its every second.
  useEffect(() => speak(words.milestone), [words.row]);
  return (
    <>
      <header>
        <span class="dreambooth-chip" data-tone={words.tone}>
          <Icon name={words.icon} />
          {words.chip}
        </span>
        {view.request_id && <bdi>{view.request_id}</bdi>}
        {words.elapsed && <time>{words.elapsed}</time>}
      </header>
      <ProgressBar bar={words.bar} text={words.line} />
      <div class="dreambooth-row">
        <Line words={words} details={view._card.error?.details ?? ""} />
        {words.actions.length > 0 && (
          <div class="dreambooth-actions">
            {words.actions.map((action) => (
              <Button
                key={action}
                data-wide
                data-main={MAIN.includes(action) || undefined}
                onClick={() => onAction(action)}
              >
                {action === "stop" && view.status === "downloading" ? "Stop" : LABELS[action]}
              </Button>
            ))}
          </div>
        )}
        {children}
      </div>
    </>
  );
}

/** Keeps its four pixels when there is nothing to measure, so that nothing below moves. */
function ProgressBar({ bar, text }: { bar: Bar | null; text: string }): VNode {
  if (!bar) return <hr />;
  const value = bar.value === null ? {} : { value: bar.value };
  // A native bar forgets that it was determinate only when it is made anew.
  return (
    <progress
      key={bar.value === null ? "open" : "known"}
      data-frozen={bar.frozen}
      aria-label={bar.label}
      aria-valuetext={text}
      {...value}
    />
  );
}

function Line({ words, details }: { words: Words; details: string }): VNode {
  if (words.row !== "error")
    return (
      <p class="dreambooth-line" dir="auto">
        {words.line}
      </p>
    );
  return (
    <div class="dreambooth-line" key="error">
      <p role="alert" dir="auto">
        {words.line}
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
