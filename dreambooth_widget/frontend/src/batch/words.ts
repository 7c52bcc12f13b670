/** What a batch's card and its tiles say: one state at one moment → chip, line, bar and buttons. Pure. */
import type { IconName } from "../icons";
import type { View } from "../model";
import { BUSY, clock, count, kernelBusy, type Moment, seconds, type Words } from "../words";
import type { BatchTraits, Row } from "./wire";

export type Action = "fetch" | "check" | "stop" | "failed" | "resume" | "edit";
type Said = Pick<Words<Action>, "chip" | "icon" | "tone">;

/** What stands on a button, and whether it is the one that most people want now. */
export function labelOf(action: Action, { counts }: BatchTraits): [label: string, main: boolean] {
  const labels: Record<Action, string> = {
    fetch: "Fetch all",
    check: "Check now",
    stop: "Stop all",
    failed: `Retry failed (${counts.error})`,
    resume: "Check again",
    edit: "Edit key",
  };
  return [labels[action], /fetch|failed/.test(action) || (action === "resume" && !counts.error)];
}

export function describe(view: View<BatchTraits>, moment: Moment): Words<Action> {
  const { status, total, counts, started_at: start, finished_at: end } = view;
  const elapsed = start === null ? "" : clock((end ?? moment.now) - start);
  const actions = actionsIn(view);
  const going = status === "processing";
  const finished = counts.success + counts.error + counts.stopped + counts.timed_out;
  const bar = going ? { value: total ? finished / total : null, label: "Requests finished" } : null;
  if (kernelBusy(view, moment)) {
    return { ...BUSY, row: "busy", elapsed, bar: { ...BUSY.bar, ...bar }, actions: [], milestone: `${BUSY.chip}.` };
  }
  const said = chipOf(view);
  const line = lineOf(view, moment.now);
  const quarter = Math.floor((4 * finished) / (total || 1));
  const row = going ? view._card.trouble || `${quarter}/4` : status;
  return { ...said, row, line, elapsed, bar, actions, milestone: status === "idle" ? "" : `${said.chip}: ${line}.` };
}

function lineOf({ status, message, total, done_at: done, _card: card }: BatchTraits, now: number): string {
  if (status === "idle" && card.form) return "";
  if (status === "processing" && card.trouble) return card.trouble;
  const left = status === "processing" && done !== null && done > now ? `, about ${seconds(done - now)} left` : "";
  return (message || (total ? count(total, "request") : "no requests yet")) + left;
}

function chipOf({ status, total, counts, _card: { activity } }: BatchTraits): Said {
  if (status === "idle") return { chip: "Not started", icon: "idle", tone: "quiet" };
  if (status === "success") return { chip: "Done", icon: "check", tone: "good" };
  if (status === "stopped") return { chip: "Stopped", icon: "stop", tone: "quiet" };
  if (status === "timed_out") return { chip: "Still processing", icon: "sand", tone: "wait" };
  if (status === "error") {
    return { chip: counts.error < total ? `${counts.error} failed` : "All failed", icon: "cross", tone: "bad" };
  }
  if (!activity) return { chip: "Generating", icon: "half", tone: "active" };
  return { chip: activity === "retrying" ? "Trying again" : "Asked to wait", icon: "retry", tone: "wait" };
}

/** The service cannot cancel a job: what is stopped is the waiting. */
function actionsIn({ status, total, counts, _card: card }: BatchTraits): Action[] {
  if (status === "processing") return ["check", "stop"];
  if (status === "idle") return card.form || !total ? [] : ["fetch"];
  return [
    ...(counts.error ? ["failed" as const] : []),
    ...(counts.stopped || counts.timed_out ? ["resume" as const] : []),
    // One key serves all of them, so a wrong one fails them all.
    ...(counts.error && counts.error === total ? ["edit" as const] : []),
  ];
}

export const captionOf = ({ caption, id }: Row): string => caption || `request ${id}`;

/** How a request's own tile begins: its state in words. */
export function stateOf(
  { status, activity, title, started_at: start, pictures }: Row,
  now: number,
): [IconName, string] {
  const loaded = pictures.filter((entry) => entry.status !== "waiting").length;
  const generating = start === null ? "Generating" : `Generating · ${clock(now - start)}`;
  const states: Record<Row["status"], [IconName, string]> = {
    idle: ["idle", "Waiting"],
    processing:
      activity === "retrying"
        ? ["retry", "Trying again…"]
        : activity
          ? ["retry", "Asked to wait…"]
          : ["half", generating],
    downloading: ["down", `Downloading · ${loaded} of ${pictures.length}`],
    success: ["check", "No pictures"],
    error: ["broken", title || "Failed"],
    stopped: ["stop", "Stopped"],
    timed_out: ["sand", "Still processing"],
  };
  return states[status];
}
