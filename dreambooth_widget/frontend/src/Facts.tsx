/** What is known of the request as a whole, as text. */
import type { VNode } from "preact";
import type { View } from "./model";
import { clock } from "./words";

/** What people ask for first; the rest follows in the order in which the service gave it. */
const FIRST = { prompt: "", negative_prompt: "", seed: "", steps: "", model: "" };

export function factsOf(view: View): [label: string, value: string][] {
  const meta = Object.entries({ ...FIRST, ...view._card.meta }).filter(([, value]) => value);
  const facts: [string, string][] = [["Request", view.request_id], ...meta.map(named)];
  if (view.started_at !== null && view.finished_at !== null) {
    facts.push(["Time", clock(view.finished_at - view.started_at)]);
  }
  return facts;
}

const named = ([name, value]: [string, string]): [string, string] => {
  const words = name.replace(/_/g, " ");
  return [words.charAt(0).toUpperCase() + words.slice(1), value];
};

export function Facts({ view }: { view: View }): VNode {
  return (
    <dl>
      {factsOf(view).map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd dir="auto">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
