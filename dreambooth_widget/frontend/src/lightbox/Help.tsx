import type { VNode } from "preact";
import { HELP } from "./keymap";

export function Help(): VNode {
  return (
    <aside class="dreambooth-help" aria-label="Keys">
      <dl>
        {HELP.map(([keys, meaning]) => (
          <div key={keys}>
            <dt>{keys}</dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </aside>
  );
}
