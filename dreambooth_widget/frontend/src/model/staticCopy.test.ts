import { describe, expect, it } from "vitest";
import type { StaticCopy } from "./messages";
import { writeStaticCopy } from "./staticCopy";

interface Output {
  output_type: string;
  data?: Record<string, unknown>;
}

const VIEW = "application/vnd.jupyter.widget-view+json";
const HTML = "<div class='dreambooth-copy'>pictures</div>";
const COPY: StaticCopy = { type: "static_html", model_id: "m1", data: { "text/html": HTML, "text/plain": "below" } };

const view = (id: string) => ({ output_type: "display_data", data: { [VIEW]: { model_id: id }, "text/html": "" } });
const html = (text: unknown) => ({ output_type: "display_data", data: { "text/html": text }, metadata: { kept: 1 } });

/** A notebook as JupyterLab's manager shows it: cells of outputs. Markdown cells have none. */
function notebook(...cells: Output[][]) {
  const models = cells.map((outputs) => ({
    outputs: {
      length: outputs.length,
      get: (index: number) => ({ toJSON: () => outputs[index] as never }),
      set: (index: number, output: never) => {
        outputs[index] = output;
      },
    },
  }));
  return { context: { model: { cells: [{}, ...models] } } };
}

describe("writeStaticCopy", () => {
  it("fills the empty place after each view of the widget, and no other", () => {
    const cells: Output[][] = [
      [view("m1"), html("")],
      [view("m2"), html("")],
      [html(""), view("m1"), html([]), html("")],
    ];
    writeStaticCopy(notebook(...cells), COPY);
    expect(cells[0]?.[1]).toEqual({ ...html(""), data: COPY.data });
    expect(cells[1]?.[1]).toEqual(html(""));
    expect(cells[2]).toEqual([html(""), view("m1"), { ...html(""), data: COPY.data }, html("")]);
  });

  it("replaces an older copy, and leaves the user's own output alone", () => {
    const own = html("<p>mine</p>");
    const stream: Output = { output_type: "stream" };
    const cells: Output[][] = [
      [view("m1"), html(["<div class='dreambooth-copy'>", "old</div>"])],
      [view("m1"), own],
      [view("m1"), stream],
    ];
    writeStaticCopy(notebook(...cells), COPY);
    expect(cells.map((outputs) => outputs[1]?.data)).toEqual([COPY.data, own.data, undefined]);
    expect(cells[1]?.[1]).toBe(own);
  });

  it("does nothing in a host whose manager shows no document", () => {
    for (const manager of [undefined, null, {}, { context: {} }, { context: { model: null } }]) {
      expect(() => writeStaticCopy(manager, COPY)).not.toThrow();
    }
  });
});
