/**
 * The picture's own menu, in the top layer, where nothing of the notebook cuts it off. When something was copied, what
 * became of it stands in the menu's place for a moment.
 */
import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { WAITING_FOR_CELL } from "../card/statusText";
import { copyPicture, copyString } from "../lightbox/clipboard";
import type { PictureEntry } from "../model/messages";
import type { PictureStore } from "../model/pictureStore";
import { Button } from "../ui/Button";
import { OWN_KEYS } from "../ui/keys";

/** Milliseconds that a sentence stands. */
const READ = 2500;
const COPYING = "Copying…";

/** Where the menu was asked for, in CSS pixels of the window. */
export interface MenuPlace {
  entry: PictureEntry;
  x: number;
  y: number;
}

interface Props extends MenuPlace {
  /** Seed and prompt, where they are known. */
  text: Record<string, string>;
  store: PictureStore;
  onSave(): void;
  /** Its items are gone: the focus belongs to the picture again. */
  onLeave(): void;
  onClose(): void;
}

/** Whether the browser can show it; its own menu is left alone where not. */
export const hasMenus = (): boolean => "popover" in HTMLElement.prototype;

export function PictureMenu({ entry, x, y, text, store, onSave, onLeave, onClose }: Props): VNode {
  const menu = useRef<HTMLDivElement>(null);
  const [said, say] = useState("");
  const [link, setLink] = useState("");
  const close = (): void => {
    onLeave();
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
    const leave = (event: Event): void => {
      if (event.type === "blur" ? event.target === window : !event.composedPath().includes(element)) close();
    };
    for (const type of ["pointerdown", "wheel", "blur"]) {
      window.addEventListener(type, leave, { capture: true, signal: life.signal });
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
    onLeave();
  };
  const save = (): void => {
    close();
    onSave();
  };
  const copied = ["seed", "prompt"].filter((name) => text[name]);
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
          {copied.map((name) => (
            <Item key={name} label={`Copy ${name}`} onClick={() => copy(copyString(text[name] as string))} />
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
