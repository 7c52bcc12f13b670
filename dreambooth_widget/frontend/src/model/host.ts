/**
 * What the host shows of its kernel and its models. JupyterLab's and Notebook 7's widget manager has all of it, others
 * have some or nothing, so each step is guarded: none of it was promised to widgets.
 */

type Handler = (message: unknown) => Promise<unknown>;

/** The model as ipywidgets holds it; anywidget hands out a part of it only. */
interface FullModel {
  comm_live?: boolean;
  comm?: { on_msg(handler: Handler): void };
  _handle_comm_msg?: Handler;
  on(event: string, handler: () => void): void;
  off(event: string, handler: () => void): void;
}

interface Manager {
  kernel?: { id?: unknown; status?: unknown } | null;
  get_model?(id: string): Promise<FullModel>;
}

/** A message that means nothing to a widget. */
const PROBE = { content: { data: { method: "" } } };

/**
 * Makes a deaf model hear again, and says whether it was one.
 *
 * anywidget gives a module two seconds to load. Where the page is held up for longer, as it is while a large notebook
 * opens, the module still comes and draws the card, but the model drops each message of the kernel from then on. Its
 * messages then go straight to the handler of ipywidgets, in front of which anywidget's waits.
 */
export async function restoreHearing(model: FullModel): Promise<boolean> {
  try {
    await model._handle_comm_msg?.(PROBE);
    return false;
  } catch {
    const anywidgets = Object.getPrototypeOf(model) as object;
    const handler = (Object.getPrototypeOf(anywidgets) as FullModel | null)?._handle_comm_msg;
    if (!handler || !model.comm) return false;
    model.comm.on_msg(handler.bind(model));
    return true;
  }
}

/** The class by which Python marks the card's element, with the id of its model. */
const CARD_CLASS = /^dreambooth-card-(.+)$/;

export class Host {
  #manager: Manager | undefined;
  #modelId: string;
  #kernelId: unknown;
  /** The card's element, in the notebook. */
  el: Element | undefined;

  constructor(manager: unknown, domClasses: unknown) {
    this.#manager = manager as Manager | undefined;
    this.#kernelId = this.#manager?.kernel?.id;
    const classes = Array.isArray(domClasses) ? domClasses.map(String) : [];
    this.#modelId = classes.map((name) => CARD_CLASS.exec(name)?.[1] ?? "").find(Boolean) ?? "";
  }

  /** Calls `found` with the whole model, where the host gives it out. */
  findModel(found: (model: FullModel) => void): void {
    if (!this.#modelId) return;
    this.#manager?.get_model?.(this.#modelId).then(found, () => undefined);
  }

  /** Whether the notebook has another kernel than when the card appeared. */
  kernelChanged(): boolean {
    const id = this.#manager?.kernel?.id;
    return id !== undefined && this.#kernelId !== undefined && id !== this.#kernelId;
  }

  /**
   * "busy" while a cell is known to run, "dead" without a kernel, else "".
   *
   * "idle" is not believed: ipykernel 7 handles messages of widgets beside a running cell and reports idle after each.
   */
  kernelStatus(): string {
    const kernel = this.#manager?.kernel;
    if (kernel === null) return "dead";
    const status = kernel?.status;
    if (status === "busy" || status === "dead") return status;
    const prompts = this.el?.closest(".jp-Notebook")?.querySelectorAll(".jp-InputPrompt") ?? [];
    return [...prompts].some((prompt) => prompt.textContent?.startsWith("[*]")) ? "busy" : "";
  }
}
