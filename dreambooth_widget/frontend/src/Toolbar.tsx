/** What can be done with the pictures once they are there. */
import type { VNode } from "preact";
import { Button } from "./Button";
import type { Size } from "./Grid";
import { Icon, type IconName } from "./icons";

interface Props {
  total: number;
  ready: number;
  selected: number;
  size: Size;
  saving: boolean;
  details: boolean;
  onSize(size: Size): void;
  onSelectAll(): void;
  onSave(): void;
  onCompare(): void;
  onDetails(): void;
}

const SIZES: [Size, string][] = [
  ["S", "Small tiles"],
  ["M", "Medium tiles"],
  ["L", "Large tiles"],
];

export function Toolbar(props: Props): VNode {
  const { ready, selected, saving } = props;
  const several = ready > 1;
  return (
    <div class="dreambooth-toolbar">
      {props.total > 1 && (
        <fieldset aria-label="Tile size">
          {SIZES.map(([size, label]) => (
            <Button
              key={size}
              aria-label={label}
              title={label}
              aria-pressed={props.size === size}
              onClick={() => props.onSize(size)}
            >
              {size}
            </Button>
          ))}
        </fieldset>
      )}
      {several && (
        <Tool icon="all" word={selected === ready ? "Select none" : "Select all"} onClick={props.onSelectAll} />
      )}
      <Tool
        icon="down"
        word={saving ? "Preparing…" : selected && several ? `Download ${selected}` : "Download"}
        off={saving || !ready}
        onClick={props.onSave}
      />
      {several && (
        <Tool
          icon="compare"
          word="Compare"
          hint={selected === 2 ? "" : "Select two pictures to compare them"}
          off={selected !== 2}
          onClick={props.onCompare}
        />
      )}
      <Tool icon="details" word="Details" pressed={props.details} onClick={props.onDetails} />
    </div>
  );
}

interface ToolProps {
  icon: IconName;
  word: string;
  hint?: string;
  /** Cannot be used now. It keeps its focus: `disabled` would drop it into the notebook. */
  off?: boolean;
  pressed?: boolean;
  onClick(): void;
}

function Tool({ icon, word, hint, off = false, pressed, onClick }: ToolProps): VNode {
  return (
    <Button
      aria-label={word}
      title={hint || word}
      aria-disabled={off}
      {...(pressed === undefined ? {} : { "aria-expanded": pressed })}
      onClick={() => off || onClick()}
    >
      <Icon name={icon} />
      <span>{word}</span>
    </Button>
  );
}
