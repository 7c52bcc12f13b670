import { render } from "preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { PictureEntry, PictureKind } from "../model/messages";
import type { PictureStore } from "../model/pictureStore";
import { usePicture } from "./usePicture";

const entry = (id: string): PictureEntry => ({ id, index: 0 }) as PictureEntry;

/** A store whose answers the test gives; `have` is at hand. */
function fakeStore(have: string[]) {
  const waiting = new Map<string, { resolve(url: string): void; reject(error: Error): void }>();
  const store: PictureStore = {
    offline: false,
    kernelBusy: false,
    url: (id, kind) => (have.includes(id + kind) ? id + kind : undefined),
    want: ({ id }, kind) => new Promise((resolve, reject) => waiting.set(id + kind, { resolve, reject })),
    crop: () => Promise.reject(new Error("not asked here")),
    bytes: () => Promise.reject(new Error("not asked here")),
    best: () => undefined,
    link: async () => "",
  };
  return { store, waiting };
}

let root: HTMLElement;
let settled: (string | null)[];

function LoadedFile(props: { store: PictureStore; id: string; kind: PictureKind }) {
  const { url, busy } = usePicture(props.store, entry(props.id), props.kind, (reason) => settled.push(reason));
  return <p>{`${url} ${busy ? "busy" : "still"}`}</p>;
}

beforeEach(() => {
  root = document.createElement("div");
  settled = [];
  Image.prototype.decode = () => Promise.resolve();
});
afterEach(() => render(null, root));

describe("usePicture", () => {
  it("shows what is at hand at once, then climbs one file after the other", async () => {
    const { store, waiting } = fakeStore(["athumbnail"]);
    render(<LoadedFile store={store} id="a" kind="original" />, root);
    expect(root.textContent).toContain("athumbnail");
    await vi.waitFor(() => expect([...waiting.keys()]).toEqual(["apreview"]));
    waiting.get("apreview")?.resolve("apreview");
    await vi.waitFor(() => expect(root.textContent).toBe("apreview busy"));
    waiting.get("aoriginal")?.resolve("aoriginal");
    await vi.waitFor(() => expect(root.textContent).toBe("aoriginal still"));
    expect(settled).toEqual([null]);
  });

  it("asks for nothing when something sharp enough is at hand", async () => {
    const { store, waiting } = fakeStore(["aoriginal", "athumbnail"]);
    render(<LoadedFile store={store} id="a" kind="preview" />, root);
    await vi.waitFor(() => expect(settled).toEqual([null]));
    expect(root.textContent).toBe("aoriginal still");
    expect(waiting.size).toBe(0);
  });

  it("keeps what it has when there is nothing sharper, and says why", async () => {
    const { store, waiting } = fakeStore(["athumbnail"]);
    render(<LoadedFile store={store} id="a" kind="preview" />, root);
    await vi.waitFor(() => expect(waiting.size).toBe(1));
    waiting.get("apreview")?.reject(new Error("no longer there"));
    await vi.waitFor(() => expect(settled).toEqual(["no longer there"]));
    expect(root.textContent).toBe("athumbnail still");
  });

  it("never shows a picture that was turned away from", async () => {
    const { store, waiting } = fakeStore(["athumbnail", "bthumbnail"]);
    render(<LoadedFile store={store} id="a" kind="preview" />, root);
    await vi.waitFor(() => expect(waiting.size).toBe(1));
    render(<LoadedFile store={store} id="b" kind="preview" />, root);
    expect(root.textContent).toContain("bthumbnail");
    waiting.get("apreview")?.resolve("apreview");
    await vi.waitFor(() => expect(waiting.has("bpreview")).toBe(true));
    expect(root.textContent).toContain("bthumbnail");
    expect(settled).toEqual([]);
  });
});
