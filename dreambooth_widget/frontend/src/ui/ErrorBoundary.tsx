/** A fault while drawing stays in this card: the page and the notebook go on, and the card says what happened. */
import { Component, type ComponentChildren } from "preact";
import { Button } from "./Button";

interface State {
  fault: string;
}

export class ErrorBoundary extends Component<{ children: ComponentChildren }, State> {
  override state: State = { fault: "" };

  override componentDidCatch(fault: unknown): void {
    console.error("dreambooth_widget:", fault);
    this.setState({ fault: String(fault) });
  }

  override render(): ComponentChildren {
    if (!this.state.fault) return this.props.children;
    return (
      <div class="dreambooth-card">
        <p role="alert">This view could not be drawn: {this.state.fault}. The job itself is not touched.</p>
        <Button onClick={() => this.setState({ fault: "" })}>Draw again</Button>
      </div>
    );
  }
}
