/** anywidget's entry for both widgets: one call of `render` per view. */
import { batchCard } from "./batch/definition";
import type { BatchIntent, BatchTraits } from "./batch/messages";
import { requestCard } from "./card/definition";
import type { ToKernel, Traits } from "./model/messages";
import { mount, type RenderProps } from "./mount";
import "./card/card.css";
import "./gallery/gallery.css";
import "./lightbox/lightbox.css";
import "./lightbox/details.css";
import "./batch/batch.css";

type RequestProps = RenderProps<Traits, ToKernel>;
type BatchProps = RenderProps<BatchTraits, BatchIntent>;

function render(props: RequestProps | BatchProps): () => void {
  return isBatch(props) ? mount(props, batchCard()) : mount(props, requestCard);
}

function isBatch(props: RequestProps | BatchProps): props is BatchProps {
  return (props as BatchProps).model.get("_kind") === "batch";
}

export default { render };
