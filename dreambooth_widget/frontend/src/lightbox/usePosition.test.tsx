import { render } from "preact";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { PictureEntry } from "../model/messages";
import { usePosition } from "./usePosition";

let root: HTMLElement;
let go: (to: number) => void;

function Position({ indices }: { indices: number[] }) {
  const [position, turn] = usePosition(
    indices.map((index) => ({ index }) as PictureEntry),
    1,
  );
  go = turn;
  return <p>{position}</p>;
}

const draw = (...indices: number[]): void => render(<Position indices={indices} />, root);

beforeEach(() => {
  root = document.createElement("div");
});

describe("usePosition", () => {
  it("stays on the same picture when one before it becomes ready", () => {
    draw(2, 4, 5);
    draw(0, 2, 3, 4, 5);
    expect(root.textContent).toBe("3");
  });

  it("goes where it is told", async () => {
    draw(2, 4, 5);
    go(2);
    await vi.waitFor(() => expect(root.textContent).toBe("2"));
    draw(1, 2, 4, 5);
    expect(root.textContent).toBe("3");
  });

  it("stays at its place when its picture is gone", () => {
    draw(2, 4, 5);
    draw(2, 5);
    expect(root.textContent).toBe("1");
    draw(2);
    expect(root.textContent).toBe("0");
  });
});
