/**
 * What a screen reader is told: milestones, at most one sentence in 5 s, and of those that pile up only the last.
 */
export const PAUSE = 5000;

export class Speaker {
  #say: (sentence: string) => void;
  #last = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waiting = "";

  constructor(say: (sentence: string) => void, signal: AbortSignal) {
    this.#say = say;
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  milestone(sentence: string): void {
    if (sentence === this.#last) this.#waiting = "";
    else if (this.#timer) this.#waiting = sentence;
    else this.#speak(sentence);
  }

  #speak(sentence: string): void {
    if (!sentence) return;
    this.#last = sentence;
    this.#say(sentence);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const next = this.#waiting;
      this.#waiting = "";
      this.#speak(next);
    }, PAUSE);
  }
}
