/**
 * What the card says: one state at one moment → chip, line, bar and buttons. Pure; every row of the states table is here.
 *
 * The service cannot cancel a job, so nothing is called Cancel; an estimate is never given as a share of work done.
 */
import type { PictureEntry, Status, Traits } from "../model/messages";
import type { IconName } from "../ui/icons";

export type Tone = "quiet" | "active" | "wait" | "good" | "bad";
export type Action = "fetch" | "check" | "stop" | "resume" | "edit" | "copy";

const LABELS: Record<Action, string> = {
  fetch: "Show pictures",
  check: "Check now",
  stop: "Stop waiting",
  resume: "Check again",
  edit: "Change key or id",
  copy: "Copy prompt",
};

/** What stands on a button, and whether it is the one that most people want now; the others step back. */
export const buttonLabel = (action: Action, status: Status): [label: string, main: boolean] => [
  action === "stop" && status === "downloading" ? "Stop" : LABELS[action],
  action === "fetch" || action === "resume" || action === "copy",
];

export interface Bar {
  /** 0 to 1, or null when it cannot be known. */
  value: number | null;
  label: string;
  frozen?: boolean;
}

/** The pill in the header. */
export interface Chip {
  chip: string;
  icon: IconName;
  tone: Tone;
}

export interface StatusText<Does = Action> extends Chip {
  /** Which row of the table: a screen reader hears of a new one, not of each second. */
  row: string;
  /** A second pill beside the first: what failed beside what is done. */
  second?: Chip | undefined;
  line: string;
  /** Elapsed time for the header; "" where the line has it, and after the end. */
  elapsed: string;
  bar: Bar | null;
  actions: readonly Does[];
  /** The sentence for a screen reader when this row begins: chip and line where the row has nothing better. */
  milestone: string;
}

export interface Moment {
  /** Kernel's Unix seconds now, and when the last message came from it. */
  now: number;
  heard: number;
  /** "busy" while a cell is known to run, "dead" without a kernel, else "". */
  kernelStatus: string;
  /** The kernel that made this card was restarted or has ended. */
  gone: boolean;
  /** Whether its kernel was there since the view appeared: never in a saved page. */
  wasLive?: boolean;
}

/** Seconds after the next poll, or after any message, until a silent kernel counts as busy. */
const BUSY_AFTER_CHECK = 3;
const BUSY_AFTER_SILENCE = 60;
/** Seconds more until a host that does not show the kernel's status gets other words. */
const SILENT_AFTER = 30;
const LONGEST_ESTIMATE = 0.95;

/** "0:09", "1:02:30". */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const tail = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** "27 s", "1 min". */
export const timeLeft = (left: number): string => {
  const whole = Math.max(0, Math.ceil(left));
  return whole < 60 ? `${whole} s` : `${Math.round(whole / 60)} min`;
};

/** "46 s", "2 min 5 s", "1 h 2 min". */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours) return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
  return minutes ? (rest ? `${minutes} min ${rest} s` : `${minutes} min`) : `${rest} s`;
}

/** "4 s", or "" when the moment has come. */
const leftUntil = (moment: number | null, now: number): string =>
  moment !== null && moment > now ? timeLeft(moment - now) : "";

export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;

export const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Also the words of a running cell, wherever something waits for it. */
export const WAITING_FOR_CELL = "Waiting for the running cell to finish";

type Checking = Pick<Traits, "status" | "next_poll_at">;
export type KernelState = "live" | "busy" | "silent" | "gone";

export const running = (state: Pick<Traits, "status">): boolean =>
  state.status === "processing" || state.status === "downloading";

/** Why nothing comes from the kernel: a running cell holds it, or it is another one, or the host does not show it. */
export function kernelState(state: Checking, { now, heard, kernelStatus, gone }: Moment): KernelState {
  if (gone) return "gone";
  if (!running(state)) return "live";
  const check = state.next_poll_at;
  const late = check === null ? now - heard - BUSY_AFTER_SILENCE : now - Math.max(check, heard) - BUSY_AFTER_CHECK;
  if (late <= 0) return "live";
  return kernelStatus || late < SILENT_AFTER ? "busy" : "silent";
}

/** "seed 5", "seeds 5–8", "seeds 3, 9", or "" where they would fill the line. */
export function seedsOf({ pictures, _card: card }: Pick<Traits, "pictures" | "_card">): string {
  const known = pictures.map((entry) => entry.text.seed ?? "").filter(Boolean);
  const seeds = [...new Set(known.length ? known : [card.meta.seed ?? ""])].filter(Boolean);
  const [first = "", last = ""] = [seeds[0], seeds.at(-1)];
  if (seeds.length < 2) return first && `seed ${first}`;
  const inARow = seeds.every((seed, index) => Number(seed) === Number(first) + index);
  if (inARow) return `seeds ${first}–${last}`;
  return seeds.length <= 4 ? `seeds ${seeds.join(", ")}` : "";
}

export function tally(pictures: PictureEntry[]): { ready: number; missing: number; total: number } {
  const of = (status: string): number => pictures.filter((entry) => entry.status === status).length;
  return { ready: of("ready"), missing: of("missing"), total: pictures.length };
}

const elapsedOf = (state: Traits, now: number): number =>
  state.started_at === null ? 0 : (state.finished_at ?? now) - state.started_at;

export function statusText(state: Traits, moment: Moment): StatusText {
  const kernel = kernelState(state, moment);
  const gone = kernel === "gone";
  // What has come of the job is still true; what the kernel did for it is over.
  const row = kernel === "live" || (gone && /success|error/.test(state.status)) ? state.status : kernel;
  const said = { ...ROWS[row](state, moment.now), ...(row === "gone" && { chip: goneChip(moment) }) };
  const actions = (said.actions ?? []).filter((action) => !gone || action === "copy");
  return { row, elapsed: "", bar: null, milestone: `${said.chip}: ${said.line}.`, ...said, actions };
}

const FROZEN: Bar = { value: null, label: "Waiting for the kernel", frozen: true };

/** What stands there instead while nothing comes from the kernel. */
export const KERNEL: Record<
  Exclude<KernelState, "live">,
  Pick<StatusText<never>, "chip" | "icon" | "tone" | "line">
> = {
  busy: { chip: "Kernel busy", icon: "busy", tone: "wait", line: WAITING_FOR_CELL },
  silent: { chip: "No answer", icon: "busy", tone: "wait", line: "Nothing heard from the kernel" },
  gone: { chip: "Kernel restarted", icon: "idle", tone: "quiet", line: "Run this cell again" },
};

/** Where it is dead, or was never there (in a saved page, in a reopened notebook), no kernel was restarted: there is none. */
export const goneChip = ({ wasLive, kernelStatus }: Moment): string =>
  wasLive === false || kernelStatus === "dead" ? "No kernel" : KERNEL.gone.chip;

type Row = (
  state: Traits,
  now: number,
) => Omit<StatusText, "row" | "elapsed" | "bar" | "actions" | "milestone"> & Partial<StatusText>;

const ROWS: Record<Traits["status"] | Exclude<KernelState, "live">, Row> = {
  idle: ({ request_id, _card: card }) => ({
    chip: "Not started",
    icon: "idle",
    tone: "quiet",
    line: card.form || !request_id ? "" : `Ready to check request ${request_id}`,
    actions: card.form ? [] : ["fetch"],
    milestone: "",
  }),
  processing: (state, now) => (state._card.activity ? trouble(state, now) : generating(state, now)),
  busy: () => ({ ...KERNEL.busy, bar: FROZEN }),
  silent: () => ({ ...KERNEL.silent, bar: FROZEN }),
  gone: ({ request_id }) => ({
    ...KERNEL.gone,
    line: request_id ? `${KERNEL.gone.line} to pick up request ${request_id}` : KERNEL.gone.line,
  }),
  downloading: (state, now) => {
    const { ready, total } = tally(state.pictures);
    return {
      chip: "Downloading",
      icon: "down",
      tone: "active",
      line: `${ready} of ${count(total, "picture")}`,
      elapsed: clock(elapsedOf(state, now)),
      bar: { value: total ? ready / total : null, label: "Pictures loaded" },
      actions: ["stop"],
      milestone: `The job is done; loading ${count(total, "picture")}.`,
    };
  },
  success: (state) => {
    const { ready, missing, total } = tally(state.pictures);
    const took = state.started_at !== null && `took ${duration(elapsedOf(state, 0))}`;
    const facts = [count(total, "picture"), took, seedsOf(state)];
    const some = [`${ready} of ${count(total, "picture")}`, missing && `${missing} could not be loaded`];
    const line = (ready < total ? some : facts).filter(Boolean).join(" · ");
    return { chip: "Done", icon: "check", tone: "good", line };
  },
  error: ({ message, _card: { error, meta } }) => {
    const changeable = error?.remedy === "key" || error?.remedy === "edit";
    return {
      chip: error?.title || "Failed",
      icon: "cross",
      tone: "bad",
      line: error ? `${error.message} ${error.advice}`.trim() : message,
      actions: changeable ? ["resume", "edit"] : error?.remedy === "prompt" && meta.prompt ? ["copy"] : ["resume"],
      milestone: "",
    };
  },
  stopped: () => ({
    chip: "Stopped waiting",
    icon: "stop",
    tone: "quiet",
    line: "The job keeps running on the service",
    actions: ["resume"],
  }),
  timed_out: (state, now) => ({
    chip: "Still running",
    icon: "sand",
    tone: "wait",
    line: `Not ready after ${clock(elapsedOf(state, now))}. Check again to keep waiting.`,
    actions: ["resume"],
    milestone: `Still running: not ready after ${duration(elapsedOf(state, now))}.`,
  }),
};

const generating: Row = (state, now) => {
  const elapsed = elapsedOf(state, now);
  const late = state.eta !== null && elapsed >= state.eta;
  const left = state.eta === null ? "" : `About ${timeLeft(state.eta - elapsed)} left`;
  const next = leftUntil(state.next_poll_at, now);
  const line = late
    ? `Taking longer than estimated · ${clock(elapsed)}`
    : left || `${clock(elapsed)} · ${next ? `next check in ${next}` : "checking now"}`;
  return {
    row: late ? "late" : "generating",
    chip: "Generating",
    icon: "half",
    tone: "active",
    line,
    elapsed: left && !late ? clock(elapsed) : "",
    bar:
      state.eta === null || late
        ? { value: null, label: "Waiting for the pictures" }
        : { value: Math.min(LONGEST_ESTIMATE, elapsed / state.eta), label: "Estimated time" },
    actions: ["check", "stop"],
    milestone: late ? "Taking longer than estimated." : left ? `Generating. ${left}.` : "Generating.",
  };
};

/** Trying again, or waiting for the rate limit. The kernel's message is the reason: "Service unavailable (503)". */
const trouble: Row = (state, now) => {
  const next = state.next_poll_at;
  const left = leftUntil(next, now);
  const elapsed = clock(elapsedOf(state, now));
  const common = { icon: "retry", tone: "wait", actions: ["check", "stop"], elapsed } as const;
  if (state._card.activity === "retrying") {
    const reason = state.message.replace(/\.$/, "");
    return {
      ...common,
      row: "retrying",
      chip: "Trying again",
      line: `${reason} · ${left ? `retrying in ${left}` : "retrying now"}`,
      bar: { value: null, label: "Waiting to try again" },
      milestone: `Trying again. ${reason}.`,
    };
  }
  const since = state._card.waiting_since ?? now;
  const whole = next === null ? 0 : Math.max(1, next - since);
  return {
    ...common,
    row: "rate_limited",
    chip: "Rate limited",
    line: left ? `Checking again in ${left}` : "Checking now",
    bar: { value: whole ? Math.min(1, (now - since) / whole) : null, label: "Wait for the rate limit" },
  };
};
