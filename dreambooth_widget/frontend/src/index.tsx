/** anywidget's entry for one request: one call of `render` per view. */
import { Card } from "./Card";
import "./card.css";
import "./lightbox/lightbox.css";
import { BLANK, inOrder } from "./model";
import { type Place, show } from "./show";
import type { ToKernel, Traits } from "./wire";

function render(place: Place<Traits, ToKernel>): () => void {
  return show(place, {
    blank: BLANK,
    asked: (message) => message,
    draw: (shown) => <Card {...shown} select={(indices) => shown.write(inOrder(indices))} />,
  });
}

export default { render };
