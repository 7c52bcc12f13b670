/** anywidget's entry: one call of `render` per view, each with its own pictures, cleaned up when the view goes. */
import { render as draw } from "preact";
import { Boundary } from "./Boundary";
import { Card } from "./Card";
import "./card.css";
import { Link } from "./model";
import { KernelPictures } from "./pictureStore";
import { writeCopy } from "./savedCopy";
import { Speaker } from "./speaker";
import { COPY, REFUSED, type ToKernel, type WidgetModel } from "./wire";

interface Props {
  model: WidgetModel;
  el: HTMLElement;
  /** Aborts when the view goes; hosts that do not pass it call the returned function instead. */
  signal?: AbortSignal;
}

function render({ model, el, signal }: Props): () => void {
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
    () => update(),
    (message, buffers) => {
      if (message.type === REFUSED) refused = message.reason;
      if (message.type === COPY) writeCopy(model.widget_manager, message);
      store.receive(message, buffers);
    },
    life.signal,
  );
  const send = (message: ToKernel): void => {
    refused = "";
    link.send(message);
  };
  const store = new KernelPictures(link.send, link.drawSoon, life.signal);
  const speak = (sentence: string): void => speaker.milestone(sentence);
  const update = (): void => {
    const props = { view: link.view(), store, refused, now: link.now, send, select: link.select, speak };
    draw(
      <Boundary>
        <Card {...props} />
      </Boundary>,
      root,
    );
  };

  life.signal.addEventListener("abort", () => {
    draw(null, root);
    root.remove();
    region.remove();
  });
  update();
  store.ready();
  return () => life.abort();
}

export default { render };
