/** For unit tests only (nothing in the bundle imports it): a typed model whose other side is the test. */
import { BLANK } from "./bridge";
import type { Card, FromKernel, PictureEntry, ToKernel, Traits, WidgetModel } from "./messages";

type Handler = (...args: never[]) => void;

export const card = (changes: Partial<Card> = {}): Card => ({
  ...BLANK._card,
  clock: Date.now() / 1000,
  has_key: true,
  ...changes,
});

export const traits = (changes: Partial<Traits> = {}): Traits => ({
  ...BLANK,
  request_id: "13443927",
  _card: card(),
  ...changes,
});

export const entry = (index: number, changes: Partial<PictureEntry> = {}): PictureEntry => ({
  index,
  status: "ready",
  reason: "",
  id: `digest${index}`,
  name: `13443927-${index + 1}.png`,
  format: "PNG",
  mime: "image/png",
  width: 1024,
  height: 1024,
  size: 1000,
  text: {},
  ...changes,
});

export const entries = (count: number): PictureEntry[] => Array.from({ length: count }, (_, index) => entry(index));

export class AnyFakeModel<T, Intent, Message> implements WidgetModel<T, Intent> {
  readonly sent: Intent[] = [];
  saves = 0;
  #traits: T;
  #handlers = new Map<string, Set<Handler>>();

  constructor(traits: T) {
    this.#traits = traits;
  }

  get listeners(): number {
    return [...this.#handlers.values()].reduce((sum, each) => sum + each.size, 0);
  }

  get<K extends keyof T>(name: K): T[K] {
    return this.#traits[name];
  }

  set<K extends keyof T>(name: K, value: T[K]): void {
    this.change({ [name]: value } as unknown as Partial<T>);
  }

  save_changes(): void {
    this.saves += 1;
  }

  send(message: Intent): void {
    this.sent.push(message);
  }

  on(event: string, handler: Handler): void {
    this.#handlers.set(event, (this.#handlers.get(event) ?? new Set()).add(handler));
  }

  off(event: string, handler: Handler): void {
    this.#handlers.get(event)?.delete(handler);
  }

  /** What the kernel does to the traits. */
  change(changes: Partial<T>): void {
    this.#traits = { ...this.#traits, ...changes };
    for (const name of Object.keys(changes)) this.#emit(`change:${name}`);
  }

  deliver(message: Message, ...buffers: DataView[]): void {
    this.#emit("msg:custom", message, buffers);
  }

  #emit(event: string, ...values: unknown[]): void {
    for (const handler of [...(this.#handlers.get(event) ?? [])]) (handler as (...all: unknown[]) => void)(...values);
  }
}

export class FakeModel extends AnyFakeModel<Traits, ToKernel, FromKernel> {
  constructor(changes: Partial<Traits> = {}) {
    super(traits(changes));
  }
}

export const bytes = (length: number, fill = 7): DataView => new DataView(new Uint8Array(length).fill(fill).buffer);

/** Until everything that waits for a microtask, a drawing, or what follows a drawing has happened, however busy the machine. */
export async function settled(): Promise<void> {
  for (let times = 0; times < 3; times++) {
    await new Promise(requestAnimationFrame);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
