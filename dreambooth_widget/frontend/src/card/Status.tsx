/** The card's head: chip, request, clock, bar, line and buttons. It alone is drawn again with each second. */
import type { ComponentChildren, VNode } from "preact";
import { useEffect } from "preact/hooks";
import { useTicks } from "../model/clock";
import { Button } from "../ui/Button";
import { Icon } from "../ui/icons";
import type { Bar, Chip, StatusText } from "./statusText";

interface Props<Does> {
  /** What is shown, and since when (kernel's Unix seconds); called again with each second while it is `live`. */
  text(): StatusText<Does>;
  live: boolean;
  since: number | null;
  now(): number;
  /** What the card is about. */
  name: ComponentChildren;
  /** What stands there instead of the line as plain text, where it does. */
  line?(text: StatusText<Does>): VNode | false;
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
  const text = props.text();
  // Its beginning is the milestone, not its every second.
  useEffect(() => speak(text.milestone), [text.row]);
  return (
    <>
      <header>
        <Pill {...text} />
        {text.second && <Pill {...text.second} />}
        {props.name && <bdi>{props.name}</bdi>}
        {text.elapsed && <time>{text.elapsed}</time>}
      </header>
      <ProgressBar bar={text.bar} text={text.line} />
      <div class="dreambooth-row">
        {props.line?.(text) || (
          <p class="dreambooth-line" dir="auto">
            {text.line}
          </p>
        )}
        {text.actions.length > 0 && (
          <div class="dreambooth-actions">
            {text.actions.map((action) => {
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

function Pill({ chip, icon, tone }: Chip): VNode {
  return (
    <span class="dreambooth-chip" data-tone={tone}>
      <Icon name={icon} />
      {chip}
    </span>
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
