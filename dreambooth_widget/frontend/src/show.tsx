/** One view of either card, with its own pictures; all of it goes when the view goes. */
import { render, type VNode } from "preact";
import { Boundary } from "./Boundary";
import { Link, type Shared, type View } from "./model";
import { KernelPictures } from "./pictureStore";
import { writeCopy } from "./savedCopy";
import { Speaker } from "./speaker";
import { ERROR, type FromKernel, STATIC_HTML, type ToKernel, type WidgetModel } from "./wire";

/** What anywidget calls `render` with. */
export interface Place<T, Intent> {
  model: WidgetModel<T, Intent>;
  el: HTMLElement;
  /** Aborts when the view goes; hosts that do not pass it call the returned function instead. */
  signal?: AbortSignal;
}

/** What a card is drawn from, and how it answers. */
export interface Shown<T extends Shared, Intent> {
  view: View<T>;
  store: KernelPictures;
  /** Why the kernel did not do what was asked of it last, or "". */
  refused: string;
  now(): number;
  send(message: Intent): void;
  /** Writes the one trait that belongs to both sides. */
  write(selected: T["selected"]): void;
  speak(sentence: string): void;
}

/** What makes a card the one or the other. */
interface Kind<T extends Shared, Intent, Message> {
  blank: T;
  draw(shown: Shown<T, Intent>): VNode;
  /** What the pictures ask for, in this card's words. */
  asked(message: ToKernel): Intent;
  receive?(message: Message): void;
}

export function show<T extends Shared, Intent, Message extends { type: string }>(
  { model, el, signal }: Place<T, Intent>,
  kind: Kind<T, Intent, Message>,
): () => void {
  const life = new AbortController();
  signal?.addEventListener("abort", () => life.abort(), { signal: life.signal });

  el.classList.add("dreambooth-host");
  const root = el.appendChild(document.createElement("div"));
  // Not Preact's: a status region must stand in the page, empty, before its first sentence.
  const region = el.appendChild(document.createElement("div"));
  region.className = "dreambooth-spoken";
  region.setAttribute("role", "status");
  const speaker = new Speaker((sentence) => {
    region.textContent = sentence;
  }, life.signal);

  let refused = "";
  const link = new Link(
    model,
    kind.blank,
    () => update(),
    (message: FromKernel | Message, buffers) => {
      kind.receive?.(message as Message);
      const known = message as FromKernel;
      if (known.type === ERROR) refused = known.reason;
      if (known.type === STATIC_HTML) writeCopy(model.widget_manager, known);
      store.receive(known, buffers);
    },
    life.signal,
  );
  const send = (message: Intent): void => {
    refused = "";
    link.send(message);
  };
  const store = new KernelPictures((message) => link.send(kind.asked(message)), link.drawSoon, life.signal);
  const speak = (sentence: string): void => speaker.milestone(sentence);
  const update = (): void => {
    const shown = { view: link.view(), store, refused, now: link.now, send, write: link.select, speak };
    render(<Boundary>{kind.draw(shown)}</Boundary>, root);
  };

  life.signal.addEventListener("abort", () => {
    render(null, root);
    root.remove();
    region.remove();
  });
  update();
  store.ready();
  return () => life.abort();
}
