/** The card's head: chip, request, clock, bar, line and buttons. It alone is drawn again with each second. */
import type { ComponentChildren, VNode } from "preact";
import { useEffect } from "preact/hooks";
import { Button } from "./Button";
import { useTicks } from "./clock";
import { Icon } from "./icons";
import type { Bar, Words } from "./words";

interface Props<Does> {
  /** What is shown, and since when (kernel's Unix seconds); asked anew with each second while it is `live`. */
  words(): Words<Does>;
  live: boolean;
  since: number | null;
  now(): number;
  /** What the card is about. */
  name: string;
  /** What stands there instead of the line as plain text, where it does. */
  line?(words: Words<Does>): VNode | false;
  /** What stands on an action's button, and whether it is the one that most people want now. */
  labels(action: Does): [label: string, main: boolean];
  onAction(action: Does): void;
  speak(sentence: string): void;
  /** What stands at the end of the line when there are no buttons: the toolbar. */
  children?: ComponentChildren;
}

export function Status<Does extends string>(props: Props<Does>): VNode {
  const { labels, onAction, speak } = props;
  useTicks(props.live, props.since ?? 0, props.now);
  const words = props.words();
  // Its beginning is the milestone, not its every second.
  useEffect(() => speak(words.milestone), [words.row]);
  return (
    <>
      <header>
        <span class="dreambooth-chip" data-tone={words.tone}>
          <Icon name={words.icon} />
          {words.chip}
        </span>
        {props.name && <bdi>{props.name}</bdi>}
        {words.elapsed && <time>{words.elapsed}</time>}
      </header>
      <ProgressBar bar={words.bar} text={words.line} />
      <div class="dreambooth-row">
        {props.line?.(words) || (
          <p class="dreambooth-line" dir="auto">
            {words.line}
          </p>
        )}
        {words.actions.length > 0 && (
          <div class="dreambooth-actions">
            {words.actions.map((action) => {
              const [label, main] = labels(action);
              return (
                <Button key={action} data-wide data-main={main || undefined} onClick={() => onAction(action)}>
                  {label}
                </Button>
              );
            })}
          </div>
        )}
        {props.children}
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
      data-frozen={bar.frozen || undefined}
      aria-label={bar.label}
      aria-valuetext={text}
      {...value}
    />
  );
}
