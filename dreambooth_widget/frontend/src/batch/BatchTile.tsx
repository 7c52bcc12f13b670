/** One tile of a batch with the caption beneath: a picture, or a request that has none to show (yet). */
import type { VNode } from "preact";
import { running } from "../card/statusText";
import { Tile, type TileProps } from "../gallery/Tile";
import { useTicks } from "../model/clock";
import { UNASKED_THUMBNAILS } from "../model/constants";
import { Button } from "../ui/Button";
import { Icon } from "../ui/icons";
import { captionOf, stateOf } from "./batchText";
import type { BatchEntry } from "./rows";

/** Milliseconds that a thumbnail which the kernel sends by itself may take. */
const ON_ITS_WAY = 300;

interface Props extends TileProps {
  now(): number;
}

export function BatchTile({ now, ...props }: Props): VNode {
  const { row, place } = props.entry as BatchEntry;
  const caption = captionOf(row);
  return (
    <>
      {place === null ? (
        <Tile {...props}>
          <Request {...props} now={now} />
        </Tile>
      ) : (
        <Tile
          {...props}
          total={row.pictures.length}
          place={place}
          about={`, ${caption}`}
          patience={props.position < UNASKED_THUMBNAILS ? ON_ITS_WAY : 0}
        />
      )}
      <p class="dreambooth-caption" title={caption} dir="auto">
        {caption}
      </p>
    </>
  );
}

function Request({ entry, active, now, onRetry }: Props): VNode {
  const { row, reason, status } = entry as BatchEntry;
  useTicks(running(row), row.started_at ?? 0, now);
  const [icon, state] = stateOf(row, now());
  const again = "Check again";
  return (
    <div class="dreambooth-state">
      <strong>
        <Icon name={icon} />
        {state}
      </strong>
      {status === "missing" && (
        <>
          <p title={reason} dir="auto">
            {reason}
          </p>
          <Button aria-label={`${again}, ${captionOf(row)}`} tabIndex={active ? 0 : -1} onClick={onRetry}>
            {again}
          </Button>
        </>
      )}
    </div>
  );
}
