// @ts-check
/**
 * A blank page's stand-in for anywidget's model and for the kernel behind it.
 *
 *   await mount(traits, options)   draws the built bundle with these traits; resolves when it has been drawn
 *   model.set({status: "success"}) what the kernel does: traits change, listeners hear of it
 *   model.deliver(message, [bytes])  a custom message from the kernel; bytes: base64 text, ArrayBuffer or DataView
 *   model.sent                     every custom message of the view, oldest first
 *   model.saved                    what the view wrote: one {name: value} per save_changes()
 *   unmount()                      the view goes away, as its signal says
 *
 * With `options.pictures = {id: {thumbnail, preview, original}}` (URLs) the stand-in kernel also answers: "ready" with
 * every thumbnail and preview of a ready picture, "get_picture" with the picture asked for, "get_crop" with a part of
 * the original, "zip" with a few bytes, "get_link" with what the page's `linkOf(message)` returns, or with "".
 *
 * With `options.rows` it is a batch (BatchTraits), and "ready" is answered with its rows, a hundred in a message,
 * and the first sixty thumbnails.
 *
 * @typedef {import("../../../dreambooth_widget/frontend/src/model/messages").Traits} Traits
 * @typedef {import("../../../dreambooth_widget/frontend/src/model/messages").ToKernel} ToKernel
 * @typedef {import("../../../dreambooth_widget/frontend/src/model/messages").FromKernel} FromKernel
 * @typedef {import("../../../dreambooth_widget/frontend/src/batch/messages").Row} Row
 * @typedef {Record<string, Record<string, string>>} Pictures
 * @typedef {{pictures?: Pictures, rows?: Row[], signal?: boolean, into?: Element | ShadowRoot}} Options
 */

const PIECE = 1024 * 1024;
const ROWS = 100;
const UNASKED = 60;

class FakeModel {
  /** @type {ToKernel[]} */
  sent = [];
  /** @type {Record<string, unknown>[]} */
  saved = [];
  /** @type {((message: ToKernel) => void) | undefined} */
  onSent;
  /** @type {Record<string, unknown>} */
  #traits;
  /** @type {Map<string, Set<Function>>} */
  #listeners = new Map();
  /** @type {Record<string, unknown>} */
  #dirty = {};

  /** @param {Partial<Traits>} traits */
  constructor(traits) {
    // What is not given is unknown: the bundle has its own idea of that.
    const card = { clock: Date.now() / 1000, ...traits._card };
    this.#traits = { pictures: [], selected: [], ...traits, _card: card };
  }

  /** How many listeners the view has put on the model. */
  get listeners() {
    return [...this.#listeners.values()].reduce((sum, each) => sum + each.size, 0);
  }

  /** @param {string} name */
  get(name) {
    return structuredClone(this.#traits[name]);
  }

  /** @param {string | Partial<Traits>} name @param {unknown} [value] */
  set(name, value) {
    if (typeof name === "string") this.#dirty[name] = value;
    const changes = typeof name === "string" ? { [name]: value } : name;
    Object.assign(this.#traits, changes);
    for (const changed of Object.keys(changes)) this.#emit(`change:${changed}`);
  }

  save_changes() {
    this.saved.push(this.#dirty);
    this.#dirty = {};
  }

  /** @param {ToKernel} message */
  send(message) {
    this.sent.push(message);
    this.onSent?.(message);
  }

  /** @param {string} event @param {Function} callback */
  on(event, callback) {
    this.#listeners.set(event, (this.#listeners.get(event) ?? new Set()).add(callback));
  }

  /** @param {string} event @param {Function} callback */
  off(event, callback) {
    this.#listeners.get(event)?.delete(callback);
  }

  /** @param {FromKernel} message @param {(string | ArrayBuffer | DataView)[]} [buffers] */
  deliver(message, buffers = []) {
    this.#emit("msg:custom", message, buffers.map(view));
  }

  /** @param {string} event @param {unknown[]} values */
  #emit(event, ...values) {
    for (const callback of [...(this.#listeners.get(event) ?? [])]) callback(...values);
  }
}

/** @param {string | ArrayBuffer | DataView} bytes */
function view(bytes) {
  if (bytes instanceof DataView) return bytes;
  if (bytes instanceof ArrayBuffer) return new DataView(bytes);
  return new DataView(Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0)).buffer);
}

/** Answers as the kernel does. @param {FakeModel} model @param {Pictures} pictures @param {Row[] | undefined} rows */
function answer(model, pictures, rows) {
  /** @param {string} kind @param {string} id @param {string} name */
  const send = async (kind, id, name) => {
    const url = pictures[id]?.[kind];
    if (!url) return model.deliver(/** @type {any} */ ({ type: "unavailable", kind, id, reason: "no longer there" }));
    const response = await fetch(url);
    const [bytes, mime] = [await response.arrayBuffer(), response.headers.get("content-type")?.split(";")[0] ?? ""];
    const parts = Math.max(1, Math.ceil(bytes.byteLength / PIECE));
    for (let part = 0; part < parts; part++) {
      const piece = bytes.slice(part * PIECE, (part + 1) * PIECE);
      model.deliver(/** @type {any} */ ({ type: "picture", kind, id, mime, name, part, parts }), [piece]);
    }
  };
  /** @param {any} message */
  const sendCrop = async ({ id: picture, box: [left, top, right, bottom] }) => {
    const id = `${picture}/${[left, top, right, bottom]}`;
    const url = pictures[picture]?.original;
    if (!url) return model.deliver(/** @type {any} */ ({ type: "unavailable", kind: "crop", id, reason: "gone" }));
    const bitmap = await createImageBitmap(await (await fetch(url)).blob());
    const canvas = new OffscreenCanvas(right - left, bottom - top);
    canvas.getContext("2d")?.drawImage(bitmap, -left, -top);
    const piece = await (await canvas.convertToBlob()).arrayBuffer();
    const facts = { kind: "crop", id, mime: "image/png", name: "", part: 0, parts: 1 };
    model.deliver(/** @type {any} */ ({ type: "picture", ...facts }), [piece]);
  };
  model.onSent = async (message) => {
    const all = rows ? rows.flatMap((row) => row.pictures) : model.get("pictures");
    const ready = all.filter((/** @type {any} */ entry) => entry.status === "ready").slice(0, rows && UNASKED);
    if (message.type === "ready") {
      for (let at = 0; rows && at < rows.length; at += ROWS) {
        model.deliver(/** @type {any} */ ({ type: "rows", rows: rows.slice(at, at + ROWS), first: at === 0 }));
      }
      for (const kind of rows || ready.length > 8 ? ["thumbnail"] : ["thumbnail", "preview"]) {
        for (const { id, name } of ready) {
          if (pictures[id] && !message.have.includes(id)) await send(kind, id, name);
        }
      }
    } else if (message.type === "get_picture") {
      await send(message.kind, message.id, ready[message.index]?.name ?? "");
    } else if (message.type === "get_link") {
      model.deliver(/** @type {any} */ ({ type: "link", id: message.id, url: globalThis.linkOf?.(message) ?? "" }));
    } else if (message.type === "get_crop") {
      await sendCrop(message);
    } else if (message.type === "zip") {
      const piece = { type: "picture", kind: "zip", id: message.id, mime: "application/zip" };
      model.deliver(/** @type {any} */ ({ ...piece, name: "pictures.zip", part: 0, parts: 1 }), ["UEsFBgAAAAA="]);
    }
  };
}

/** @param {Partial<Traits>} traits @param {Options} [options] */
async function mount(traits, options = {}) {
  const path = "/static/widget.js";
  const bundle = await import(path);
  const model = new FakeModel({ ...traits, _kind: options.rows ? "batch" : "request" });
  if (options.pictures || options.rows) answer(model, options.pictures ?? {}, options.rows);
  const el = document.createElement("div");
  (options.into ?? document.getElementById("cell"))?.append(el);
  const life = new AbortController();
  const cleanUp = bundle.default.render({ model, el, ...(options.signal === false ? {} : { signal: life.signal }) });
  Object.assign(window, {
    model,
    unmount: () => {
      life.abort();
      cleanUp?.();
      el.remove();
    },
  });
  await new Promise((resolve) => requestAnimationFrame(() => resolve(undefined)));
}

Object.assign(window, { mount, FakeModel });
