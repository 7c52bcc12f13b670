/**
 * The picture's own menu, in the top layer, where nothing of the notebook cuts it off. When something was copied, what
 * became of it stands in the menu's place for a moment.
 */
import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Fact } from "../card/pictureFacts";
import { WAITING_FOR_CELL } from "../card/statusText";
import { copyPicture, copyString } from "../lightbox/clipboard";
import type { PictureEntry } from "../model/messages";
import type { PictureStore } from "../model/pictureStore";
import { Button } from "../ui/Button";
import { OWN_KEYS } from "../ui/keys";

/** Milliseconds that a sentence stands. */
const READ = 2500;
const COPYING = "Copying…";

/** What can be copied beside the picture itself, by the facts' labels. */
const COPIED = ["Seed", "Prompt"];

/** What was asked for, and where: CSS pixels of the window. */
interface Opened {
  entry: PictureEntry;
  x: number;
  y: number;
  /** What has the focus when its items are gone. */
  back: HTMLElement;
  /** How many menus were opened before: each is a new one, also at the same place. */
  before: number;
}

interface MenuActions {
  store: PictureStore;
  /** Of which the menu copies seed and prompt. */
  factsOf(entry: PictureEntry): Fact[];
  onSave(entry: PictureEntry): void;
}

interface PictureMenu {
  /** Shows it in place of the browser's own, for the event that asked for that. */
  open(event: MouseEvent, entry: PictureEntry, back: HTMLElement): void;
  drawn: VNode | null;
}

export function usePictureMenu({ factsOf, onSave, store }: MenuActions): PictureMenu {
  const [opened, setOpened] = useState<Opened | null>(null);
  const menus = useRef(0);
  const open: PictureMenu["open"] = (event, entry, back) => {
    // Browsers without popovers keep their own.
    if (!("popover" in HTMLElement.prototype)) return;
    event.preventDefault();
    // The notebook would open its own on top.
    event.stopPropagation();
    // A press of a button need not have a place.
    const { left: x, top: y } = back.getBoundingClientRect();
    const at = event.type === "click" ? { x, y } : { x: event.clientX, y: event.clientY };
    setOpened({ entry, back, ...at, before: menus.current++ });
  };
  const drawn = opened && (
    <Menu
      key={opened.before}
      {...opened}
      facts={factsOf(opened.entry)}
      store={store}
      onSave={() => onSave(opened.entry)}
      onClose={() => setOpened(null)}
    />
  );
  return { open, drawn };
}

interface MenuProps extends Opened {
  facts: Fact[];
  store: PictureStore;
  onSave(): void;
  onClose(): void;
}

function Menu({ entry, x, y, back, facts, store, onSave, onClose }: MenuProps): VNode {
  const menu = useRef<HTMLDivElement>(null);
  const [said, say] = useState("");
  const [link, setLink] = useState("");
  const leave = (): void => back.focus({ preventScroll: true });
  const close = (): void => {
    leave();
    onClose();
  };

  useLayoutEffect(() => {
    const element = menu.current as HTMLDivElement;
    element.showPopover();
    const { width, height } = element.getBoundingClientRect();
    element.style.left = `${Math.max(0, Math.min(x, innerWidth - width))}px`;
    element.style.top = `${Math.max(0, Math.min(y, innerHeight - height))}px`;
    element.querySelector("button")?.focus();
    void store.link(entry).then(setLink);
    // Not an "auto" popover: where a press opens the context menu, its release would close it again.
    const life = new AbortController();
    const end = (event: Event): void => {
      if (event.type === "blur" ? event.target === window : !event.composedPath().includes(element)) close();
    };
    for (const type of ["pointerdown", "wheel", "blur"]) {
      window.addEventListener(type, end, { capture: true, signal: life.signal });
    }
    return () => life.abort();
  }, []);
  useEffect(() => {
    if (!said || said === COPYING || said === WAITING_FOR_CELL) return;
    const timer = setTimeout(onClose, READ);
    return () => clearTimeout(timer);
  }, [said]);

  // The copy begins before the items go: the browser allows it only while the press is handled.
  const copy = (outcome: Promise<string>): void => {
    void outcome.then(say);
    say(store.kernelBusy ? WAITING_FOR_CELL : COPYING);
    leave();
  };
  const save = (): void => {
    close();
    onSave();
  };
  const copied = COPIED.flatMap((label) => facts.filter(([name]) => name === label));
  const onKeyDown = (event: KeyboardEvent): void => {
    event.stopPropagation();
    const items = [...(menu.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
    const at = items.findIndex((item) => item.matches(":focus"));
    const to = { ArrowDown: (at + 1) % items.length, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (to !== undefined) items.at(to)?.focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys come from the items of the menu in it
    <div
      ref={menu}
      popover="manual"
      class="dreambooth-menu"
      onKeyDown={onKeyDown}
      onContextMenu={(event) => {
        event.preventDefault();
        event.stopPropagation();
      }}
    >
      {!said && (
        <div role="menu" aria-label="Picture">
          <Item label="Copy picture" onClick={() => copy(copyPicture(store.bytes(entry, "original")))} />
          <Item label="Save" onClick={save} />
          {copied.map(([name, value]) => (
            <Item key={name} label={`Copy ${name.toLowerCase()}`} onClick={() => copy(copyString(value))} />
          ))}
          <a
            role="menuitem"
            tabIndex={-1}
            aria-disabled={!link || undefined}
            {...(link && { href: link })}
            target="_blank"
            rel="noopener noreferrer"
            {...OWN_KEYS}
          >
            Open link
          </a>
        </div>
      )}
      <p role="status">{said}</p>
    </div>
  );
}

const Item = ({ label, onClick }: { label: string; onClick(): void }): VNode => (
  <Button role="menuitem" tabIndex={-1} onClick={onClick}>
    {label}
  </Button>
);
