import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { useOverduePictures } from "./overduePictures";

let page: HTMLElement;

function Shown({ alive, due }: { alive: boolean; due: boolean }) {
  return <p>{useOverduePictures(alive, due) ? "silent" : "patient"}</p>;
}

const draw = (alive: boolean, due = true) => act(() => render(<Shown alive={alive} due={due} />, page));
const wait = (ms: number) => act(() => void vi.advanceTimersByTime(ms));

beforeEach(() => {
  page = document.createElement("div");
  vi.useFakeTimers();
});
afterEach(() => {
  render(null, page);
  vi.useRealTimers();
});

describe("useOverduePictures", () => {
  it("is silence when nothing was heard for five seconds, and not before", async () => {
    await draw(false);
    await wait(4999);
    expect(page.textContent).toBe("patient");
    await wait(1);
    expect(page.textContent).toBe("silent");
  });

  it("is none where no pictures are due, until some are", async () => {
    await draw(false, false);
    await wait(6000);
    expect(page.textContent).toBe("patient");
    await draw(false, true);
    expect(page.textContent).toBe("silent");
  });

  it("is none once anything was heard, however long it takes from then on", async () => {
    await draw(false);
    await wait(4000);
    await draw(true);
    expect(vi.getTimerCount()).toBe(0);
    await wait(60_000);
    expect(page.textContent).toBe("patient");
  });

  it("ends when the kernel answers after all", async () => {
    await draw(false);
    await wait(6000);
    await draw(true);
    expect(page.textContent).toBe("patient");
  });

  it("leaves no timer behind when the view goes", async () => {
    await draw(false);
    expect(vi.getTimerCount()).toBe(1);
    await act(() => render(null, page));
    expect(vi.getTimerCount()).toBe(0);
  });
});
