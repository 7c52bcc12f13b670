import { render } from "preact";
import { act } from "preact/test-utils";
import { beforeEach, expect, test, vi } from "vitest";
import { entry } from "../model/fakeModel";
import type { CropBox } from "../model/messages";
import type { PictureStore } from "../model/pictureStore";
import { useCrop } from "./useCrop";

const BOXES: CropBox[] = [0, 10, 20, 30].map((left) => [left, 0, left + 100, 100]);

/** A lens whose crops come when the test says so. */
function lens() {
  const asked: { box: CropBox; resolve(url: string): void; reject(fault: Error): void }[] = [];
  const crop: PictureStore["crop"] = (_, box) => new Promise((resolve, reject) => asked.push({ box, resolve, reject }));
  const store = { crop } as PictureStore;
  const root = document.createElement("div");
  const Lens = ({ wanted }: { wanted: CropBox | null }) => <p>{useCrop(store, entry(0), wanted)?.url}</p>;
  const show = (wanted: CropBox | null) => act(() => render(<Lens wanted={wanted} />, root));
  const close = () => act(() => render(null, root));
  const answer = async (place: number, url: string) => {
    await act(async () => asked[place]?.resolve(url));
    await act(async () => undefined);
  };
  return { asked, root, show, close, answer };
}

beforeEach(() => {
  vi.spyOn(Image.prototype, "decode").mockResolvedValue(undefined);
});

test("one request is on its way, and the next one is for the last place", async () => {
  const { asked, root, show, answer } = lens();
  for (const box of BOXES) await show(box);
  expect(asked.map(({ box }) => box)).toEqual([BOXES[0]]);
  await answer(0, "first");
  expect(root.textContent).toBe("first");
  expect(asked.map(({ box }) => box)).toEqual([BOXES[0], BOXES[3]]);
  await answer(1, "last");
  expect(root.textContent).toBe("last");
  expect(asked).toHaveLength(2);
});

test("a refused one is requested again for another place only", async () => {
  const { asked, show, answer } = lens();
  await show(BOXES[0] as CropBox);
  await act(async () => asked[0]?.reject(new Error("gone")));
  await act(async () => undefined);
  expect(asked).toHaveLength(1);
  await show(BOXES[1] as CropBox);
  expect(asked).toHaveLength(2);
  await answer(1, "second");
});

test("nothing is requested without a place, or once the lens has gone", async () => {
  const { asked, root, show, close, answer } = lens();
  await show(null);
  expect(asked).toHaveLength(0);
  await show(BOXES[0] as CropBox);
  await show(BOXES[1] as CropBox);
  await close();
  await answer(0, "late");
  expect(asked).toHaveLength(1);
  expect(root.textContent).toBe("");
});
