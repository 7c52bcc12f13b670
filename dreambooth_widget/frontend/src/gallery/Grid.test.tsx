import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test } from "vitest";
import { entries } from "../model/fakeModel";
import { Grid } from "./Grid";
import { Tile, type TileProps } from "./Tile";

let root: HTMLElement;
const store = {
  offline: false,
  kernelBusy: false,
  url: () => "",
  want: () => new Promise<never>(() => {}),
  crop: () => new Promise<never>(() => {}),
  bytes: () => new Promise<never>(() => {}),
  best: () => undefined,
  link: () => Promise.resolve(""),
};

function draw(focus: { index: number } | null): void {
  const nothing = (): void => undefined;
  const on = {
    onOpen: nothing,
    onSelect: nothing,
    onSelectAll: nothing,
    onDownload: nothing,
    onRetry: nothing,
    factsOf: () => [],
  };
  const props = {
    pictures: entries(80),
    tile: (props: TileProps) => <Tile {...props} />,
    store,
    size: "M" as const,
    live: false,
    selected: new Set<number>(),
    ...on,
  };
  act(() => render(<Grid {...props} focus={focus} />, root));
}

beforeEach(() => {
  root = document.body.appendChild(document.createElement("div"));
});
afterEach(() => root.remove());

test("a tile takes the focus that comes back to it, also one that was not drawn yet", () => {
  draw(null);
  draw({ index: 70 });
  expect(document.activeElement?.getAttribute("aria-label")).toBe("Open picture 71 of 80");
});

test("a grid that comes back after a silence leaves the focus where it is", () => {
  const before = { index: 2 };
  draw(null);
  draw(before);
  expect(document.activeElement?.getAttribute("aria-label")).toBe("Open picture 3 of 80");
  act(() => render(null, root));
  draw(before);
  expect(document.activeElement).toBe(document.body);
  draw({ index: 2 });
  expect(document.activeElement?.getAttribute("aria-label")).toBe("Open picture 3 of 80");
});
