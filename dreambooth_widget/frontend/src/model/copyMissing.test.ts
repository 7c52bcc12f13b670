import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CopyWatch } from "./copyMissing";

/** A cell's outputs as VS Code's webview has them: the card, and below it what the copy left. */
function watched(copy: string, container = "output_container") {
  document.body.innerHTML = `<div class="${container}"><div class="dreambooth-host dreambooth-card-m1"></div></div>
    <div class="output_container">${copy}</div>`;
  const [life, report] = [new AbortController(), vi.fn()];
  const el = document.querySelector(".dreambooth-host") as Element;
  return { life, report, watch: new CopyWatch(el, report, life.signal) };
}

describe("CopyWatch", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each([
    ["nothing", ""],
    ["the line of the running job", "<div class='dreambooth-copy dreambooth-running dreambooth-copy-m1'></div>"],
    ["another card's copy", "<div class='dreambooth-copy dreambooth-pictures dreambooth-copy-m2'></div>"],
  ])("asks once for the copy, some seconds after the end, if there is %s", (_, copy) => {
    const { watch, report } = watched(copy);
    watch.follow("processing");
    vi.advanceTimersByTime(60_000);
    for (let times = 0; times < 3; times++) watch.follow("success");
    vi.advanceTimersByTime(1000);
    expect(report).not.toHaveBeenCalled();
    vi.advanceTimersByTime(60_000);
    expect(report).toHaveBeenCalledOnce();
  });

  it.each([
    ["the copy is there", "<div class='dreambooth-copy dreambooth-pictures dreambooth-copy-m1'></div>", undefined],
    ["the page is not VS Code's", "", "jp-OutputArea-child"],
  ])("asks for nothing if %s", (_, copy, container) => {
    const { watch, report } = watched(copy, container);
    watch.follow("success");
    vi.advanceTimersByTime(60_000);
    expect(report).not.toHaveBeenCalled();
  });

  it("asks for nothing after the end of the view", () => {
    const { life, watch, report } = watched("");
    watch.follow("success");
    life.abort();
    vi.advanceTimersByTime(60_000);
    expect(report).not.toHaveBeenCalled();
  });

  it("looks again after a new run of the same card", () => {
    const { watch, report } = watched("");
    for (const status of ["success", "processing", "success"]) {
      watch.follow(status);
      vi.advanceTimersByTime(60_000);
    }
    expect(report).toHaveBeenCalledTimes(2);
  });
});
