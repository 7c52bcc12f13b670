/**
 * What the card says: one state at one moment → chip, line, bar and buttons. Pure; every row of the states table is here.
 *
 * The service cannot cancel a job, so nothing is called Cancel; an estimate is never given as a share of work done.
 */

import type { PictureEntry, Status, Traits } from "../model/messages";
import type { IconName } from "../ui/icons";

export type Tone = "quiet" | "active" | "wait" | "good" | "bad";
export type Action = "fetch" | "check" | "stop" | "again" | "resume" | "edit";

const LABELS: Record<Action, string> = {
  fetch: "Fetch",
  check: "Check now",
  stop: "Stop waiting",
  again: "Try again",
  resume: "Check again",
  edit: "Edit key",
};

/** What stands on a button, and whether it is the one that most people want now; the others step back. */
export const buttonLabel = (action: Action, status: Status): [label: string, main: boolean] => [
  action === "stop" && status === "downloading" ? "Stop" : LABELS[action],
  /fetch|again|resume/.test(action),
];

export interface Bar {
  /** 0 to 1, or null when nobody knows. */
  value: number | null;
  label: string;
  frozen?: boolean;
}

export interface StatusText<Does = Action> {
  /** Which row of the table: a screen reader is told of a new one, not of each second. */
  row: string;
  chip: string;
  icon: IconName;
  tone: Tone;
  line: string;
  /** Elapsed time for the header; "" where the line already says it. */
  elapsed: string;
  bar: Bar | null;
  actions: readonly Does[];
  /** What a screen reader is told when this row begins: chip and line where the row says nothing better. */
  milestone: string;
}

export interface Moment {
  /** Kernel's Unix seconds now, and when something was last heard from it. */
  now: number;
  heard: number;
}

const BUSY_AFTER_CHECK = 3;
const BUSY_AFTER_SILENCE = 60;
const LONGEST_ESTIMATE = 0.95;

/** "0:09", "1:02:30". */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const tail = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

export const seconds = (left: number): string => {
  const whole = Math.max(0, Math.ceil(left));
  return whole < 100 ? `${whole} s` : `${Math.round(whole / 60)} min`;
};

/** "4 s", or "" when the moment has come. */
const leftUntil = (moment: number | null, now: number): string =>
  moment !== null && moment > now ? seconds(moment - now) : "";

export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;

type Checking = Pick<Traits, "status" | "next_poll_at">;

export const running = (state: Pick<Traits, "status">): boolean =>
  state.status === "processing" || state.status === "downloading";

/** Whether the kernel has been silent for so long that a running cell must be holding it. */
export function kernelBusy(state: Checking, { now, heard }: Moment): boolean {
  if (!running(state)) return false;
  const check = state.next_poll_at;
  return check === null ? now > heard + BUSY_AFTER_SILENCE : now > Math.max(check, heard) + BUSY_AFTER_CHECK;
}

/** The seed that stands for the whole request: the service's, or the first picture's own. */
export function seedOf(state: Traits): string {
  return state._card.meta.seed || state.pictures.find((entry) => entry.text.seed)?.text.seed || "";
}

export function tally(pictures: PictureEntry[]): { ready: number; missing: number; total: number } {
  const of = (status: string): number => pictures.filter((entry) => entry.status === status).length;
  return { ready: of("ready"), missing: of("missing"), total: pictures.length };
}

const elapsedOf = (state: Traits, now: number): number =>
  state.started_at === null ? 0 : (state.finished_at ?? now) - state.started_at;

export function statusText(state: Traits, moment: Moment): StatusText {
  const elapsed = state.started_at === null ? "" : clock(elapsedOf(state, moment.now));
  const row = kernelBusy(state, moment) ? "busy" : state.status;
  const said = ROWS[row](state, moment.now);
  return { row, elapsed, bar: null, actions: [], milestone: `${said.chip}: ${said.line}.`, ...said };
}

export const BUSY = {
  chip: "Kernel busy",
  icon: "busy",
  tone: "wait",
  line: "a running cell holds the kernel; checking goes on after it",
} as const;

type Row = (
  state: Traits,
  now: number,
) => Omit<StatusText, "row" | "elapsed" | "bar" | "actions" | "milestone"> & Partial<StatusText>;

const ROWS: Record<Traits["status"] | "busy", Row> = {
  idle: ({ request_id, _card: card }) => ({
    chip: "Not started",
    icon: "idle",
    tone: "quiet",
    line: card.form || !request_id ? "" : `request ${request_id}`,
    actions: card.form ? [] : ["fetch"],
    milestone: "",
  }),
  processing: (state, now) => (state._card.activity ? trouble(state, now) : generating(state, now)),
  busy: () => ({ ...BUSY, bar: { value: null, label: "Waiting for the kernel", frozen: true } }),
  downloading: ({ pictures }) => {
    const { ready, missing, total } = tally(pictures);
    const line = `${ready + missing} of ${count(total, "picture")}`;
    return {
      chip: "Downloading",
      icon: "down",
      tone: "active",
      line,
      bar: { value: total ? (ready + missing) / total : null, label: "Pictures loaded" },
      actions: ["stop"],
      milestone: `The job is done; loading ${count(total, "picture")}.`,
    };
  },
  success: (state) => {
    const { ready, missing, total } = tally(state.pictures);
    const seed = seedOf(state);
    const facts = [count(total, "picture"), clock(elapsedOf(state, 0)), seed && `seed ${seed}`].filter(Boolean);
    const line = missing ? `${ready} of ${count(total, "picture")}, ${missing} could not be loaded` : facts.join(" · ");
    return {
      chip: "Done",
      icon: "check",
      tone: "good",
      line,
      ...(missing ? {} : { elapsed: "" }),
    };
  },
  error: ({ message, _card: { error } }) => ({
    chip: error?.title || "Failed",
    icon: "cross",
    tone: "bad",
    line: error ? `${error.message} ${error.advice}`.trim() : message,
    actions: error?.remedy === "key" || error?.remedy === "edit" ? ["again", "edit"] : ["again"],
    milestone: "",
  }),
  stopped: () => ({
    chip: "Stopped waiting",
    icon: "stop",
    tone: "quiet",
    line: "the job goes on at the service",
    actions: ["resume"],
  }),
  timed_out: (state, now) => ({
    chip: "Still processing",
    icon: "sand",
    tone: "wait",
    line: `no result after ${clock(elapsedOf(state, now))}; checking again resumes`,
    elapsed: "",
    actions: ["resume"],
  }),
};

const generating: Row = (state, now) => {
  const elapsed = elapsedOf(state, now);
  const late = state.eta !== null && elapsed >= state.eta;
  const left = state.eta === null ? "" : `about ${seconds(state.eta - elapsed)} left`;
  const next = leftUntil(state.next_poll_at, now);
  const line = late
    ? `taking longer than the estimate (${clock(elapsed)} of ${clock(state.eta ?? 0)})`
    : left
      ? [left, `${clock(elapsed)} elapsed`, checked(state.polls)].filter(Boolean).join(" · ")
      : `${clock(elapsed)} elapsed · ${next ? `next check in ${next}` : "checking now"}`;
  return {
    row: late ? "late" : "generating",
    chip: "Generating",
    icon: "half",
    tone: "active",
    line,
    elapsed: "",
    bar:
      state.eta === null || late
        ? { value: null, label: "Waiting for the pictures" }
        : { value: Math.min(LONGEST_ESTIMATE, elapsed / state.eta), label: "Estimated time" },
    actions: ["check", "stop"],
    milestone: late ? "Taking longer than the estimate." : `Generating${left && `, ${left}`}.`,
  };
};

const checked = (polls: number): string => (polls === 1 ? "checked once" : polls ? `checked ${polls} times` : "");

/**
 * Trying again, or asked to wait. The kernel's message is "attempt 2 of 6 in 4 s: the service answered 503": the time in it
 * stands still, so ours replaces it.
 */
const trouble: Row = (state, now) => {
  const next = state.next_poll_at;
  const left = leftUntil(next, now);
  const common = { icon: "retry", tone: "wait", actions: ["check", "stop"] } as const;
  if (state._card.activity === "retrying") {
    const [, attempt = "again", reason = state.message] = /^(attempt \d+ of \d+)[^:]*: (.*)/s.exec(state.message) ?? [];
    return {
      ...common,
      row: "retrying",
      chip: "Trying again",
      line: `${attempt} ${left ? `in ${left}` : "now"}: ${reason}`,
      bar: { value: null, label: "Waiting to try again" },
      milestone: `Trying again: ${reason}.`,
    };
  }
  const since = state._card.waiting_since ?? now;
  const whole = next === null ? 0 : Math.max(1, next - since);
  return {
    ...common,
    row: "rate_limited",
    chip: "Asked to wait",
    line: left ? `the service asks to wait ${seconds(whole)} · ${left} left` : "asking again now",
    bar: { value: whole ? Math.min(1, (now - since) / whole) : null, label: "Wait asked for by the service" },
  };
};
