/**
 * The kernel's clock, seen from the browser, and the one timer that makes a view tick.
 *
 * A stamp that arrives late makes the kernel's clock look slow, never fast, so the greatest difference seen is the truest.
 */
import { useEffect, useState } from "preact/hooks";

export const browserSeconds = (): number => Date.now() / 1000;

export class KernelClock {
  #ahead = 0;
  #measured = false;

  /**
   * Compares a stamp of the kernel with the browser's clock. `live`: it has just arrived. A stamp that was found lying
   * in the model may be an hour old, so it can only show that the kernel is ahead.
   */
  observe(stamp: number, browser: number, live: boolean): void {
    const ahead = stamp - browser;
    this.#ahead = live && !this.#measured ? ahead : Math.max(this.#ahead, ahead);
    this.#measured ||= live;
  }

  /** The kernel's Unix seconds at a moment of the browser's clock. */
  at(browser: number): number {
    return browser + this.#ahead;
  }
}

/** Milliseconds until `now` is a whole number of seconds after `start`: clocks turn over when they should. */
export function untilNextSecond(now: number, start: number): number {
  const part = (((now - start) % 1) + 1) % 1;
  return Math.max(20, Math.round((1 - part) * 1000));
}

/** Draws the calling component again with each second after `start` (kernel's seconds), as long as `running`. */
export function useTicks(running: boolean, start: number, now: () => number): void {
  const [, setTick] = useState(0);
  useEffect(() => {
    if (!running) return;
    let timer: ReturnType<typeof setTimeout>;
    const tick = (): void => {
      setTick((count) => count + 1);
      timer = setTimeout(tick, untilNextSecond(now(), start));
    };
    timer = setTimeout(tick, untilNextSecond(now(), start));
    return () => clearTimeout(timer);
  }, [running, start, now]);
}
