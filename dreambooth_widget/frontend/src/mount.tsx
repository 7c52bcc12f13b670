/** Mounts one view of either card, with its own pictures; everything is released when the view goes. */
import { render, type VNode } from "preact";
import { ModelBridge, type SharedTraits, type View } from "./model/bridge";
import { CopyWatch } from "./model/copyMissing";
import { COPY_MISSING, ERROR, type FromKernel, STATIC_HTML, type ToKernel, type WidgetModel } from "./model/messages";
import { KernelPictures } from "./model/pictureStore";
import { writeStaticCopy } from "./model/staticCopy";
import { ErrorBoundary } from "./ui/ErrorBoundary";
import { passShortcuts } from "./ui/keys";
import { LiveRegion } from "./ui/liveRegion";

/** The argument of anywidget's `render`. */
export interface RenderProps<T, Intent> {
  model: WidgetModel<T, Intent>;
  el: HTMLElement;
  /** Aborts when the view goes; hosts that do not pass it call the returned function instead. */
  signal?: AbortSignal;
}

/** What a card is drawn from, and how it answers. */
export interface CardProps<T extends SharedTraits, Intent> {
  view: View<T>;
  store: KernelPictures;
  /** Why the kernel refused the last intent, or "". */
  kernelError: string;
  now(): number;
  send(message: Intent): void;
  /** Writes the one trait that belongs to both sides. */
  write(selected: T["selected"]): void;
  speak(sentence: string): void;
}

/** The differences between the card of a request and the card of a batch. */
export interface CardDefinition<T extends SharedTraits, Intent, Message> {
  /** Every trait that is read, with its value until the kernel sends one. */
  blank: T;
  draw(props: CardProps<T, Intent>): VNode;
  /** Translates a message of the picture store into an intent of this widget. */
  toIntent(message: ToKernel): Intent;
  receive?(message: Message): void;
}

export function mount<T extends SharedTraits, Intent, Message extends { type: string }>(
  { model, el, signal }: RenderProps<T, Intent>,
  card: CardDefinition<T, Intent, Message>,
): () => void {
  const life = new AbortController();
  signal?.addEventListener("abort", () => life.abort(), { signal: life.signal });

  el.classList.add("dreambooth-host");
  const root = el.appendChild(document.createElement("div"));
  const liveRegion = new LiveRegion(el, life.signal);
  passShortcuts(root, life.signal);

  let kernelError = "";
  const bridge = new ModelBridge(
    model,
    card.blank,
    () => draw(),
    (message: FromKernel | Message, buffers) => {
      card.receive?.(message as Message);
      const known = message as FromKernel;
      if (known.type === ERROR) kernelError = known.reason;
      if (known.type === STATIC_HTML) writeStaticCopy(model.widget_manager, known);
      store.receive(known, buffers);
    },
    life.signal,
  );
  const send = (message: Intent): void => {
    kernelError = "";
    bridge.send(message);
  };
  const store = new KernelPictures(
    (message) => bridge.send(card.toIntent(message)),
    bridge.drawSoon,
    life.signal,
    () => bridge.kernelStatus() === "busy",
  );
  const copy = new CopyWatch(el, () => bridge.send(card.toIntent({ type: COPY_MISSING })), life.signal);
  const speak = (sentence: string): void => liveRegion.milestone(sentence);
  const draw = (): void => {
    const view = bridge.view();
    store.offline = view.gone;
    copy.follow(view.status);
    const props = { view, store, kernelError, now: bridge.now, send, write: bridge.select, speak };
    render(<ErrorBoundary>{card.draw(props)}</ErrorBoundary>, root);
  };

  life.signal.addEventListener("abort", () => {
    render(null, root);
    root.remove();
  });
  bridge.watchComm(el, () => store.ready());
  draw();
  store.ready();
  return () => life.abort();
}
