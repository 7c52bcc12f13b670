/**
 * Finds out in VS Code that the static copy did not get into the notebook: on a re-run a late event drops the newest
 * display id there, so the kernel's updates go nowhere. The kernel is asked for the copy once, some seconds after the end.
 */

/** Milliseconds that the page gets to take in the copy. */
const PATIENCE = 5000;

const CARD = /^dreambooth-card-(.+)$/;

export class CopyWatch {
  #el: Element;
  #report: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #over = false;

  constructor(el: Element, report: () => void, signal: AbortSignal) {
    this.#el = el;
    this.#report = report;
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  /** Looks for the copy once, some seconds after a job has ended with this status. */
  follow(status: string): void {
    const over = !["idle", "processing", "downloading"].includes(status);
    if (over === this.#over) return;
    this.#over = over;
    clearTimeout(this.#timer);
    if (over) this.#timer = setTimeout(() => isMissing(this.#el) && this.#report(), PATIENCE);
  }
}

/** Whether the page, which holds the outputs of all cells in VS Code, has no finished copy of the card. */
function isMissing(el: Element): boolean {
  const card = [...(el.closest("[class*=dreambooth-card-]")?.classList ?? [])].find((name) => CARD.test(name));
  if (!card || !el.closest(".output_container")) return false;
  const copies = el.ownerDocument.getElementsByClassName(card.replace(CARD, "dreambooth-copy-$1"));
  return [...copies].every((copy) => copy.classList.contains("dreambooth-running"));
}
