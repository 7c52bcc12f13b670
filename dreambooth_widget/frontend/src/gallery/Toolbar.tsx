/** What can be done with the pictures once they are there. */
import type { ComponentProps, VNode } from "preact";
import { whyNotCompared } from "../lightbox/comparable";
import { Button, IconButton } from "../ui/Button";
import type { Size } from "./Grid";

interface Props {
  total: number;
  ready: number;
  selected: number;
  size: Size;
  downloading: boolean;
  /** Whether they are unfolded, where there are any. */
  details?: boolean;
  onSize(size: Size): void;
  onSelectAll(): void;
  onClear(): void;
  onDownload(): void;
  onCompare(): void;
  /** Whether the loupe stays on without its key. */
  loupe: boolean;
  onLoupe(): void;
  onDetails?(): void;
}

const SIZES: [Size, string][] = [
  ["S", "Small tiles"],
  ["M", "Medium tiles"],
  ["L", "Large tiles"],
];

export function Toolbar(props: Props): VNode {
  const { ready, selected, downloading } = props;
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
      {several && selected > 0 && (
        <output>
          {selected}
          <span> selected</span>
        </output>
      )}
      {several && selected < ready && <Word icon="all" label="Select all" onClick={props.onSelectAll} />}
      <Word
        icon="down"
        label={downloading ? "Preparing…" : "Download"}
        off={downloading || !ready}
        onClick={props.onDownload}
      />
      {several && (
        <Word
          icon="compare"
          label="Compare"
          hint={whyNotCompared(selected)}
          // It says why when it is pressed.
          aria-disabled={whyNotCompared(selected) !== "" || undefined}
          onClick={props.onCompare}
        />
      )}
      {ready > 0 && (
        <Word icon="loupe" label="Loupe" hint="hold Z" aria-pressed={props.loupe} onClick={props.onLoupe} />
      )}
      {several && selected > 0 && <Word icon="cross" label="Clear" onClick={props.onClear} />}
      {props.onDetails && <Word icon="info" label="Details" aria-expanded={props.details} onClick={props.onDetails} />}
    </div>
  );
}

/** The word goes where the card is narrow. */
const Word = (props: ComponentProps<typeof IconButton>): VNode => (
  <IconButton {...props}>
    <span>{props.label}</span>
  </IconButton>
);
