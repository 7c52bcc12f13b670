/** One tile of a batch with the caption beneath: a picture, or a request that has none to show (yet). */
import type { VNode } from "preact";
import { Tile, type TileProps } from "../gallery/Tile";
import { UNASKED_THUMBNAILS } from "../model/constants";
import { Button } from "../ui/Button";
import { Icon } from "../ui/icons";
import { captionOf, stateOf } from "./batchText";
import type { BatchEntry } from "./rows";

/** Milliseconds that a thumbnail which the kernel sends by itself may take. */
const ON_ITS_WAY = 300;
/** Milliseconds that a tile stands before it requests one that is not sent by itself: most are only scrolled past. */
const FLOWN_PAST = 100;

interface Props extends TileProps {
  /** How many characters all captions begin with. */
  prefix: number;
}

export function BatchTile({ prefix, ...props }: Props): VNode {
  const { row, pictureIndex } = props.entry as BatchEntry;
  const caption = captionOf(row);
  return (
    <>
      {pictureIndex === null ? (
        <Tile {...props}>
          <Request {...props} />
        </Tile>
      ) : (
        <Tile
          {...props}
          total={row.pictures.length}
          pictureIndex={pictureIndex}
          about={`, ${caption}`}
          patience={props.position < UNASKED_THUMBNAILS ? ON_ITS_WAY : FLOWN_PAST}
        />
      )}
      <p class="dreambooth-caption" title={caption} dir="auto">
        {pictureIndex !== null && row.pictures.length > 1 && (
          <small>{`${pictureIndex + 1}/${row.pictures.length} `}</small>
        )}
        {prefix ? `…${caption.slice(prefix)}` : caption}
      </p>
    </>
  );
}

function Request({ entry, offline, active, onRetry }: TileProps): VNode {
  const { row, reason, status } = entry as BatchEntry;
  const [icon, state] = stateOf(row);
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
          {!offline && (
            <Button aria-label={`Check again, ${captionOf(row)}`} tabIndex={active ? 0 : -1} onClick={onRetry}>
              Check again
            </Button>
          )}
        </>
      )}
    </div>
  );
}
