/** anywidget's entry for a batch. */
import "./batch.css";

export default { render: (): void => undefined };
