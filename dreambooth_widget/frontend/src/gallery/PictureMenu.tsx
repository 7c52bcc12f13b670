/** The picture's own menu, in the top layer: a popover closes with Esc and with a press elsewhere, and gives the focus back. */
import type { VNode } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { copyPicture, copyString } from "../lightbox/clipboard";
import type { PictureEntry } from "../model/messages";
import type { PictureStore } from "../model/pictureStore";
import { Button } from "../ui/Button";

interface Props {
  entry: PictureEntry;
  /** In the window, in CSS pixels. */
  x: number;
  y: number;
  /** Seed and prompt, where they are known. */
  text: Record<string, string>;
  store: PictureStore;
  onSave(): void;
  onClose(): void;
}

export function PictureMenu({ entry, x, y, text, store, onSave, onClose }: Props): VNode {
  const menu = useRef<HTMLDivElement>(null);
  const [said, say] = useState("");
  useLayoutEffect(() => {
    const element = menu.current as HTMLDivElement;
    element.showPopover();
    const { width, height } = element.getBoundingClientRect();
    element.style.left = `${Math.max(0, Math.min(x, innerWidth - width))}px`;
    element.style.top = `${Math.max(0, Math.min(y, innerHeight - height))}px`;
    element.querySelector("button")?.focus();
  }, []);
  const items: [label: string, act: () => void][] = [
    ["Copy picture", () => void copyPicture(store.bytes(entry, "original")).then(say)],
    [
      "Save",
      () => {
        onSave();
        menu.current?.hidePopover();
      },
    ],
  ];
  for (const name of ["seed", "prompt"]) {
    const value = text[name];
    if (value) items.push([`Copy ${name}`, () => void copyString(value).then(say)]);
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    event.stopPropagation();
    const buttons = [...(menu.current?.querySelectorAll("button") ?? [])];
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const at = buttons.findIndex((button) => button.matches(":focus"));
    if (by) buttons.at((at + by) % buttons.length)?.focus();
    else if (event.key === "Escape") menu.current?.hidePopover();
    else return;
    event.preventDefault();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys come from the items of the menu in it
    <div
      ref={menu}
      popover="auto"
      class="dreambooth-menu"
      onKeyDown={onKeyDown}
      onToggle={(event) => event.newState === "closed" && onClose()}
    >
      <div role="menu" aria-label="Picture">
        {items.map(([label, act]) => (
          <Button key={label} role="menuitem" tabIndex={-1} onClick={act}>
            {label}
          </Button>
        ))}
      </div>
      <p role="status">{said}</p>
    </div>
  );
}
