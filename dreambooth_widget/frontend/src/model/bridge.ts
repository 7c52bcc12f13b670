/**
 * One view's connection to the kernel: the model's traits become one `View`, intents go back. Listens to `change:<trait>` only, and draws once per microtask
 * however many traits changed together, and once per frame however many pictures came.
 */
import { browserSeconds, KernelClock } from "./clock";
import { Host, restoreHearing } from "./host";
import type { Card, FromKernel, ToKernel, Traits, WidgetModel } from "./messages";

/** What the traits of both cards have. */
export interface SharedTraits {
  status: string;
  selected: unknown;
  _card: { clock: number };
}

/** All that a card is drawn from. Never changed, only replaced. */
export type View<T = Traits> = T & {
  /** When something was last heard from the kernel: its own seconds. */
  heard: number;
  /** Whether anything was heard since this view appeared. */
  alive: boolean;
  /** Whether the widget's kernel was there since this view appeared: never in a saved page. */
  wasLive: boolean;
  /** The kernel that made the widget was restarted or has ended: the comm is closed, or there is no kernel. */
  gone: boolean;
  /** "busy" while a cell is known to run, "dead" without a kernel, else "": nothing is known. */
  kernelStatus: string;
};

const NO_CARD: Card = {
  activity: "",
  waiting_since: null,
  error: null,
  meta: {},
  clock: 0,
  form: false,
  has_key: false,
  caption: "",
  expected: null,
};

/** Every trait that is read, with what stands in for it until the kernel says. */
export const BLANK: Traits = {
  _kind: "request",
  status: "idle",
  message: "",
  request_id: "",
  eta: null,
  polls: 0,
  started_at: null,
  next_poll_at: null,
  finished_at: null,
  pictures: [],
  selected: [],
  _card: NO_CARD,
};

/** Milliseconds after which something is drawn without a frame: a hidden page has none. */
const NO_FRAME = 200;

export class ModelBridge<T extends SharedTraits = Traits, Intent = ToKernel, Message = FromKernel> {
  readonly clock = new KernelClock();
  #model: WidgetModel<T, Intent>;
  #host: Host;
  #blank: T;
  #onView: (view: View<T>) => void;
  #heard = browserSeconds();
  #alive = false;
  #commWasLive = false;
  #gone = false;
  #queued = false;
  #soon = false;
  #signal: AbortSignal;

  /** `blank` names every trait that is read, with what stands in for it until the kernel says. */
  constructor(
    model: WidgetModel<T, Intent>,
    blank: T,
    onView: (view: View<T>) => void,
    onMessage: (message: Message, buffers: DataView[]) => void,
    signal: AbortSignal,
  ) {
    this.#model = model;
    this.#host = new Host(model.widget_manager, model.get("_dom_classes" as never));
    this.#blank = blank;
    this.#onView = onView;
    this.#signal = signal;
    const stamp = (live: boolean): void => {
      const { clock } = this.#read("_card");
      if (clock) this.clock.observe(clock, browserSeconds(), live);
    };
    stamp(false);
    const listen = (...[event, handler]: Parameters<typeof model.on>): void => {
      model.on(event, handler);
      signal.addEventListener("abort", () => model.off(event, handler));
    };
    for (const name of this.#names()) {
      listen(`change:${name}`, () => {
        // What this page selects is no sign of life of the kernel.
        if (name !== "selected") this.#hear();
        if (name === "_card") stamp(true);
        this.#draw();
      });
    }
    listen("msg:custom", (message: Message, buffers: DataView[]) => {
      this.#hear();
      onMessage(message, buffers ?? []);
      this.drawSoon();
    });
  }

  now = (): number => this.clock.at(browserSeconds());

  view(): View<T> {
    const traits = Object.fromEntries(this.#names().map((name) => [name, this.#read(name)])) as unknown as T;
    const kernelStatus = this.kernelStatus();
    return {
      ...traits,
      heard: this.clock.at(this.#heard),
      alive: this.#alive,
      wasLive: this.#alive || this.#commWasLive,
      gone: this.#gone || this.#host.kernelChanged() || kernelStatus === "dead",
      kernelStatus,
    };
  }

  send = (message: Intent): void => {
    try {
      this.#model.send(message);
    } catch {
      // ipywidgets throws when the comm is closed.
      this.#setGone(true);
    }
  };

  /**
   * Follows the comm: its state where the host shows its models, else the class that ipywidgets gives to `el`.
   *
   * `onHearing` is called if the model had dropped what the kernel sent, and does so no longer.
   */
  watchComm(el: Element, onHearing: () => void): void {
    const look = (): void => this.#setGone(el.closest(".jupyter-widgets-disconnected") !== null);
    const observer = new MutationObserver(look);
    observer.observe(el, { attributeFilter: ["class"] });
    this.#signal.addEventListener("abort", () => observer.disconnect());
    look();
    this.#host.el = el;
    this.#host.findModel((model) => {
      this.#commWasLive = model.comm_live === true;
      const follow = (): void => this.#setGone(!model.comm_live);
      model.on("comm_live_update", follow);
      this.#signal.addEventListener("abort", () => model.off("comm_live_update", follow));
      void restoreHearing(model).then((restored) => {
        if (restored && !this.#signal.aborted) onHearing();
      });
    });
  }

  kernelStatus = (): string => this.#host.kernelStatus();

  /** Writes the one trait that belongs to both sides. */
  select = (selected: T["selected"]): void => {
    this.#model.set("selected", selected);
    this.#model.save_changes();
    this.#draw();
  };

  #setGone(gone: boolean): void {
    if (gone === this.#gone) return;
    this.#gone = gone;
    this.#draw();
  }

  #names(): (keyof T & string)[] {
    return Object.keys(this.#blank) as (keyof T & string)[];
  }

  #read<K extends keyof T>(name: K): T[K] {
    const value = this.#model.get(name) ?? this.#blank[name];
    return name === "_card" ? ({ ...this.#blank._card, ...value } as T[K]) : value;
  }

  #hear(): void {
    this.#heard = browserSeconds();
    this.#alive = true;
  }

  /** With the next frame: pictures come by the hundred, each in a message of its own. */
  drawSoon = (): void => {
    if (this.#soon) return;
    this.#soon = true;
    const draw = (): void => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
      this.#soon = false;
      this.#draw();
    };
    const frame = requestAnimationFrame(draw);
    const timer = setTimeout(draw, NO_FRAME);
  };

  #draw(): void {
    if (this.#queued) return;
    this.#queued = true;
    queueMicrotask(() => {
      this.#queued = false;
      if (!this.#signal.aborted) this.#onView(this.view());
    });
  }
}

/** Indices as they are written: sorted, none twice. */
export const sortedIndices = (indices: Iterable<number>): number[] => [...new Set(indices)].sort((a, b) => a - b);
