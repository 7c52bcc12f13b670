/**
 * The view's status region for screen readers: milestones, at most one sentence in 5 s, and of those that pile up only the last.
 */
export const PAUSE = 5000;

export class LiveRegion {
  #region: HTMLElement;
  #last = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waiting = "";

  /** Appends the region to `parent`, empty and not drawn by Preact: it must stand there before its first sentence. */
  constructor(parent: HTMLElement, signal: AbortSignal) {
    this.#region = parent.appendChild(document.createElement("div"));
    this.#region.className = "dreambooth-spoken";
    this.#region.setAttribute("role", "status");
    signal.addEventListener("abort", () => {
      clearTimeout(this.#timer);
      this.#region.remove();
    });
  }

  milestone(sentence: string): void {
    if (sentence === this.#last) this.#waiting = "";
    else if (this.#timer) this.#waiting = sentence;
    else this.#speak(sentence);
  }

  #speak(sentence: string): void {
    if (!sentence) return;
    this.#last = sentence;
    this.#region.textContent = sentence;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const next = this.#waiting;
      this.#waiting = "";
      this.#speak(next);
    }, PAUSE);
  }
}
