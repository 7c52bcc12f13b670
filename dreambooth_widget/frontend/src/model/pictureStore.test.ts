import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { bytes, entry, settled } from "./fakeModel";
import type { PictureKind, Piece, ToKernel } from "./messages";
import { BUDGET, cannotShow, KernelPictures, PATIENCE } from "./pictureStore";

const piece = (kind: Piece["kind"], id: string, changes: Partial<Piece> = {}): Piece => ({
  type: "picture",
  kind,
  id,
  index: 0,
  mime: "image/png",
  name: "a.png",
  part: 0,
  parts: 1,
  ...changes,
});

let made: string[];
let revoked: string[];

function store(refused = false) {
  const sent: ToKernel[] = [];
  const life = new AbortController();
  const heard = vi.fn();
  const it = new KernelPictures(
    (message) => void sent.push(message),
    heard,
    life.signal,
    () => false,
    async () => refused,
  );
  return { sent, life, heard, it };
}

beforeEach(() => {
  [made, revoked] = [[], []];
  vi.spyOn(URL, "createObjectURL").mockImplementation((blob) => {
    made.push(`blob:${(blob as Blob).size}-${made.length}`);
    return made.at(-1) ?? "";
  });
  vi.spyOn(URL, "revokeObjectURL").mockImplementation((url) => void revoked.push(url));
});
afterEach(() => void vi.useRealTimers());

describe("what arrives", () => {
  test("pieces become one picture, in whatever order they come", async () => {
    const { it } = store();
    it.receive(piece("original", "d", { part: 1, parts: 2 }), [bytes(1, 2)]);
    expect(it.url("d", "original")).toBeUndefined();
    it.receive(piece("original", "d", { part: 0, parts: 2 }), [bytes(2, 1)]);
    await settled();
    expect(it.url("d", "original")).toBeDefined();
    const blob = await it.bytes(entry(0, { id: "d" }), "original");
    expect(blob.type).toBe("image/png");
    expect([...new Uint8Array(await blob.arrayBuffer())]).toEqual([1, 1, 2]);
  });

  test("its URL is made when the browser is idle, unless it has left until then", async () => {
    const idle = vi.fn();
    vi.stubGlobal("requestIdleCallback", idle);
    const { it, life } = store();
    for (const id of ["a", "b", "c"]) it.receive(piece("thumbnail", id), [bytes(10, 1)]);
    await settled();
    expect(made).toEqual([]);
    const remaining = [5, 0];
    idle.mock.calls[0]?.[0]({ timeRemaining: () => remaining.shift() ?? 0 });
    expect(made).toHaveLength(1);
    expect(idle).toHaveBeenCalledTimes(2);
    expect(it.url("a", "thumbnail")).toBe(made[0]);
    life.abort();
    idle.mock.calls[1]?.[0]({ timeRemaining: () => 5 });
    expect(made).toHaveLength(1);
    expect(revoked).toContain(made[0]);
    vi.unstubAllGlobals();
  });

  test("what is here already is not made twice", async () => {
    const { it } = store();
    for (let times = 0; times < 2; times++) {
      it.receive(piece("thumbnail", "d"), [bytes(3)]);
      await settled();
    }
    it.url("d", "thumbnail");
    it.url("d", "thumbnail");
    expect(made).toHaveLength(1);
  });

  test("a picture that nobody looks at gets no URL", async () => {
    const { it } = store();
    for (const id of ["a", "b"]) it.receive(piece("thumbnail", id), [bytes(3)]);
    await settled();
    expect(it.url("b", "thumbnail")).toBe("blob:3-0");
    expect(made).toHaveLength(1);
  });

  test("a type that Pillow never reports is bytes, not a picture", async () => {
    const { it } = store();
    it.receive(piece("original", "d", { mime: "image/svg+xml" }), [bytes(3)]);
    await settled();
    expect((await it.bytes(entry(0, { id: "d" }), "original")).type).toBe("application/octet-stream");
  });

  test("each arrival is told, and none after the end", async () => {
    const { it, life, heard } = store();
    it.receive(piece("thumbnail", "a"), [bytes(3)]);
    await settled();
    expect(heard).toHaveBeenCalledOnce();
    it.receive(piece("thumbnail", "b"), [bytes(3)]);
    life.abort();
    await settled();
    expect(heard).toHaveBeenCalledOnce();
  });
});

describe("what is asked for", () => {
  test("a picture at hand asks nobody", async () => {
    const { it, sent } = store();
    it.receive(piece("preview", "d"), [bytes(3)]);
    await settled();
    await it.want(entry(0, { id: "d" }), "preview");
    expect(sent).toEqual([]);
  });

  test("two who want the same ask once and both get it", async () => {
    const { it, sent } = store();
    const wants = [it.want(entry(4, { id: "d" }), "original"), it.bytes(entry(4, { id: "d" }), "original")];
    expect(sent).toEqual([{ type: "get_picture", kind: "original", index: 4, id: "d" }]);
    it.receive(piece("original", "d", { index: 4 }), [bytes(3)]);
    const [url, blob] = await Promise.all(wants);
    expect(url).toBe(made[0]);
    expect((blob as Blob).size).toBe(3);
  });

  test("a refusal carries the kernel's reason, and asking again asks again", async () => {
    const { it, sent } = store();
    const want = it.want(entry(0, { id: "d" }), "original");
    it.receive({ type: "unavailable", kind: "original", id: "d", index: 0, reason: "no longer there" }, []);
    await expect(want).rejects.toThrow("no longer there");
    void it.want(entry(0, { id: "d" }), "original").catch(() => undefined);
    expect(sent).toHaveLength(2);
  });

  test("a silent kernel is named as the reason, but not while pieces come", async () => {
    vi.useFakeTimers();
    const { it } = store();
    const reasons: string[] = [];
    it.want(entry(0, { id: "d" }), "original").catch((fault: Error) => void reasons.push(fault.message));
    await vi.advanceTimersByTimeAsync(PATIENCE - 1);
    it.receive(piece("original", "d", { parts: 2 }), [bytes(1)]);
    await vi.advanceTimersByTimeAsync(PATIENCE - 1);
    expect(reasons).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(reasons).toEqual([expect.stringContaining("the kernel does not answer")]);
  });

  test("a part of the original is requested by its box once, and comes back under it", async () => {
    const { it, sent } = store();
    const one = entry(3, { id: "d" });
    const [first, second] = [it.crop(one, [1, 2, 30, 40]), it.crop(one, [1, 2, 30, 40])];
    expect(sent).toEqual([{ type: "get_crop", index: 3, id: "d", box: [1, 2, 30, 40] }]);
    it.receive(piece("crop", "d/1,2,30,40"), [bytes(9)]);
    expect(await first).toBe(await second);
    await it.crop(one, [1, 2, 30, 40]);
    expect(sent).toHaveLength(1);
  });

  test("a part is refused with the reason, and none is requested without a kernel", async () => {
    const { it, sent } = store();
    const refused = it.crop(entry(0, { id: "d" }), [0, 0, 5, 5]);
    it.receive({ type: "unavailable", kind: "crop", id: "d/0,0,5,5", index: 0, reason: "gone" }, []);
    await expect(refused).rejects.toThrow("gone");
    it.offline = true;
    await expect(it.crop(entry(0, { id: "d" }), [0, 0, 5, 5])).rejects.toThrow("has gone");
    expect(sent).toHaveLength(1);
  });

  test("an archive comes back under the token it was asked with, and is not kept", async () => {
    const { it, sent } = store();
    const zip = it.zip([0, 2]);
    const [request] = sent;
    if (request?.type !== "zip") throw new Error("no zip was asked for");
    expect(request.indices).toEqual([0, 2]);
    it.receive(piece("zip", request.id, { mime: "application/zip", name: "13443927.zip" }), [bytes(9)]);
    await expect(zip).resolves.toMatchObject({ name: "13443927.zip" });
    expect(made).toEqual([]);
  });

  test("another view's part is left alone", async () => {
    const { it } = store();
    it.receive(piece("crop", "d/0,0,5,5"), [bytes(9)]);
    await settled();
    expect(it.url("d/0,0,5,5", "crop")).toBeUndefined();
  });

  test("another view's archive is left alone", async () => {
    const { it } = store();
    it.receive(piece("zip", "theirs"), [bytes(9)]);
    await settled();
    expect(made).toEqual([]);
  });

  test("a link is asked for anew each time, and is http or nothing", async () => {
    const { it, sent } = store();
    for (const [url, link] of [
      ["https://cdn.example.org/a.png?sig=1", "https://cdn.example.org/a.png?sig=1"],
      ["javascript:alert(1)", ""],
      ["", ""],
    ] as const) {
      const answer = it.link(entry(3, { id: "d" }));
      expect(sent.at(-1)).toEqual({ type: "get_link", index: 3, id: "d" });
      it.receive({ type: "link", id: "d", url }, []);
      expect(await answer).toBe(link);
    }
    it.offline = true;
    expect(await it.link(entry(3, { id: "d" }))).toBe("");
    expect(sent).toHaveLength(3);
  });

  test("the largest file at hand is named at once, and nothing is asked", async () => {
    const { it, sent } = store();
    expect(it.best("d")).toBeUndefined();
    it.receive(piece("thumbnail", "d", { mime: "image/webp" }), [bytes(3)]);
    await settled();
    expect(it.best("d")).toEqual({ url: "blob:3-0", type: "image/webp" });
    it.receive(piece("original", "d"), [bytes(9)]);
    await settled();
    expect(it.best("d")).toEqual({ url: "blob:9-1", type: "image/png" });
    expect(sent).toEqual([]);
  });

  test("a view says which thumbnails it has", async () => {
    const { it, sent } = store();
    for (const kind of ["thumbnail", "preview"] as PictureKind[]) it.receive(piece(kind, "d"), [bytes(3)]);
    await settled();
    it.ready();
    expect(sent).toEqual([{ type: "ready", have: ["d"] }]);
  });
});

describe("what is kept", () => {
  const half = BUDGET / 2 + 1;

  test("the longest unused original leaves first, and its URL with it", async () => {
    const { it } = store();
    it.receive(piece("thumbnail", "t"), [bytes(9)]);
    const quarter = BUDGET / 4;
    for (const id of ["a", "b", "c"]) {
      it.receive(piece("original", id), [bytes(quarter)]);
      await settled();
    }
    it.url("a", "original");
    it.receive(piece("original", "d"), [bytes(quarter)]);
    await settled();
    expect(it.url("b", "original")).toBeUndefined();
    expect(["a", "c", "d"].map((id) => it.url(id, "original"))).not.toContain(undefined);
    expect(it.url("t", "thumbnail")).toBeDefined();
    expect(revoked.filter(Boolean)).toEqual([]);
    it.receive(piece("original", "e"), [bytes(quarter)]);
    await settled();
    expect(revoked.filter(Boolean)).toEqual([made[0]]);
  });

  test("the newest stays, however large it is", async () => {
    const { it } = store();
    for (const id of ["a", "b"]) {
      it.receive(piece("original", id), [bytes(half)]);
      await settled();
    }
    expect(it.url("a", "original")).toBeUndefined();
    expect(it.url("b", "original")).toBeDefined();
  });

  test("no blob URL is left when the view goes, also of what comes later", async () => {
    const { it, life } = store();
    it.receive(piece("thumbnail", "a"), [bytes(3)]);
    await settled();
    it.url("a", "thumbnail");
    it.receive(piece("thumbnail", "b"), [bytes(3)]);
    life.abort();
    await settled();
    expect(it.url("b", "thumbnail")).toBeUndefined();
    expect(made).toHaveLength(1);
    expect(revoked).toEqual(made);
  });
});

describe("a page's policy", () => {
  afterEach(() => void vi.unstubAllGlobals());

  test.each([true, false])("that refuses blob: is found out: %s", async (refuses) => {
    vi.stubGlobal(
      "Image",
      class {
        onload = (): void => undefined;
        onerror = (): void => undefined;
        set src(_: string) {
          queueMicrotask(() => (refuses ? this.onerror() : this.onload()));
        }
        get src(): string {
          return made[0] ?? "";
        }
      },
    );
    expect(await cannotShow()).toBe(refuses);
    expect(made).toHaveLength(1);
    expect(revoked).toEqual(made);
  });

  test("that refuses blob: gets pictures as data:, and no URL is kept", async () => {
    const { it } = store(true);
    it.receive(piece("thumbnail", "d"), [bytes(1, 120)]);
    await vi.waitFor(() => expect(it.url("d", "thumbnail")).toBe("data:image/png;base64,eA=="));
    expect(made).toEqual([]);
  });
});
