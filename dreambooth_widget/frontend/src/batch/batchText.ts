/** What a batch's card and its tiles say: one state at one moment → chip, line, bar and buttons. Pure. */

import {
  type Chip,
  clock,
  count,
  duration,
  goneChip,
  KERNEL,
  kernelState,
  type Moment,
  type StatusText,
  type Tone,
  timeLeft,
} from "../card/statusText";
import type { View } from "../model/bridge";
import type { Activity, Status } from "../model/messages";
import type { IconName } from "../ui/icons";
import type { BatchTraits, Row } from "./messages";

/** Characters. Shorter ones are not worth an ellipsis. */
const SHORTEST_PREFIX = 12;

export type Action = "fetch" | "check" | "stop" | "failed" | "resume" | "edit";

/** What stands on a button, and whether it is the one that most people want now. */
export function batchButtonLabel(action: Action, { counts }: BatchTraits): [label: string, main: boolean] {
  const labels: Record<Action, string> = {
    fetch: "Show pictures",
    check: "Check now",
    stop: "Stop all",
    failed: `Retry failed (${counts.error})`,
    resume: "Check again",
    edit: "Change key",
  };
  return [labels[action], /fetch|failed/.test(action) || (action === "resume" && !counts.error)];
}

export function batchStatusText(view: View<BatchTraits>, moment: Moment): StatusText<Action> {
  const { status, total, counts, started_at: start, _card: card } = view;
  const going = status === "processing";
  const kernel = kernelState(view, moment);
  const held = kernel === "live" || (kernel === "gone" && !going && counts.success) ? null : KERNEL[kernel];
  const finished = counts.success + counts.error + counts.stopped + counts.timed_out;
  const [first, second] = held ? [kernel === "gone" ? { ...held, chip: goneChip(moment) } : held] : chipsOf(view);
  const line = held
    ? held.line + (kernel === "gone" ? ` to pick up ${count(total, "request")}` : "")
    : lineOf(view, moment.now);
  const quarter = `${Math.floor((4 * finished) / (total || 1))}/4`;
  return {
    ...first,
    second,
    row: held ? kernel : going ? card.trouble || quarter : status,
    line,
    elapsed: start === null || !going || kernel === "gone" ? "" : clock(moment.now - start),
    bar:
      going && kernel !== "gone"
        ? { value: total ? finished / total : null, label: "Requests finished", frozen: held !== null }
        : null,
    actions: held || view.gone ? [] : actionsIn(view),
    milestone: status === "idle" ? "" : `${first.chip}: ${line}.`,
  };
}

function lineOf(view: BatchTraits, now: number): string {
  const { status, message, started_at: start, finished_at: end, done_at: done, _card: card } = view;
  if (status === "idle" && card.form) return "";
  if (status === "processing" && card.trouble) return card.trouble;
  const left = status === "processing" && done !== null && done > now ? ` · about ${timeLeft(done - now)} left` : "";
  const took = status === "success" && start !== null && end !== null ? ` · took ${duration(end - start)}` : "";
  return message + left + took;
}

/** For each status, and for what stands in its way: the word, the icon, the tone. */
const STATES: Record<string, [string, IconName, Tone]> = {
  idle: ["Not started", "idle", "quiet"],
  processing: ["Generating", "half", "active"],
  retrying: ["Trying again", "retry", "wait"],
  rate_limited: ["Rate limited", "retry", "wait"],
  downloading: ["Downloading", "down", "active"],
  success: ["Done", "check", "good"],
  error: ["All failed", "cross", "bad"],
  stopped: ["Stopped", "stop", "quiet"],
  timed_out: ["Still running", "sand", "wait"],
};

const stageOf = (status: Status, activity: Activity): string => (status === "processing" && activity) || status;

/** What is done comes first and in green, what failed beside it. */
function chipsOf({ status, counts, _card: card }: BatchTraits): [Chip, Chip?] {
  if (status === "error" && counts.success) {
    const done: Chip = { chip: `${counts.success} done`, icon: "check", tone: "good" };
    return [done, { chip: `${counts.error} failed`, icon: "cross", tone: "wait" }];
  }
  const [chip, icon, tone] = STATES[stageOf(status, card.activity)] as (typeof STATES)[string];
  return [{ chip, icon, tone }];
}

/** The service cannot cancel a job: what is stopped is the waiting. */
function actionsIn({ status, total, counts, _card: card }: BatchTraits): Action[] {
  if (status === "processing") return ["check", "stop"];
  if (status === "idle") return card.form || !total ? [] : ["fetch"];
  const ends: [unknown, Action][] = [
    [counts.error, "failed"],
    [counts.stopped || counts.timed_out, "resume"],
    // One key serves all of them, so a wrong one fails them all.
    [status === "error" && counts.error === total, "edit"],
  ];
  return ends.filter(([offered]) => offered).map(([, action]) => action);
}

export const captionOf = ({ caption, id }: Row): string => caption || `Request ${id}`;

/** How many characters at the beginning of all captions are the same, up to the end of a word; 0 where few are. */
export function sharedPrefix(captions: string[]): number {
  const [first = "", ...others] = captions;
  let length = first.length;
  for (const caption of others) {
    while (length > 0 && !caption.startsWith(first.slice(0, length))) length--;
  }
  const whole = first.lastIndexOf(" ", length - 1) + 1;
  return others.length > 0 && whole >= SHORTEST_PREFIX ? whole : 0;
}

/** How a request's own tile begins: its state in words. No clock: fifty would tick. */
export function stateOf({ status, activity, title, pictures }: Row): [IconName, string] {
  const stage = stageOf(status, activity);
  const [word, icon] = STATES[stage] as (typeof STATES)[string];
  const loaded = pictures.filter((entry) => entry.status === "ready").length;
  const words: Record<string, string> = {
    idle: "Waiting",
    downloading: `${word} · ${loaded} of ${pictures.length}`,
    success: "No pictures",
    error: title || "Failed",
  };
  return [status === "error" ? "broken" : icon, words[stage] ?? (activity ? `${word}…` : word)];
}
