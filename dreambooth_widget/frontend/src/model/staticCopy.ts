/**
 * Writes the static copy into the notebook where the kernel cannot. A page that was loaded anew in mid-job no longer knows
 * the kernel's display ids, so its update of the cell's second output goes nowhere. JupyterLab and Notebook 7 let a widget
 * reach its document by way of its manager; in other hosts nothing happens, and nothing is lost but the copy.
 */
import type { StaticCopy } from "./messages";

const VIEW = "application/vnd.jupyter.widget-view+json";

/** What is used of JupyterLab's models, all of it guarded: none of it was promised to widgets. */
interface Output {
  output_type: string;
  data?: Record<string, unknown>;
}
interface Outputs {
  length: number;
  get(index: number): { toJSON(): Output };
  set(index: number, output: Output): void;
}
interface Manager {
  context?: { model?: { cells?: Iterable<{ outputs?: Outputs }> } };
}

/** Fill the output after each view of the widget, if that is the copy's place and holds something else. */
export function writeStaticCopy(manager: unknown, copy: StaticCopy): void {
  const cells = (manager as Manager | undefined)?.context?.model?.cells;
  for (const { outputs } of cells ?? []) {
    for (let index = 0; outputs && index + 1 < outputs.length; index++) {
      const view = outputs.get(index).toJSON().data?.[VIEW] as { model_id?: string } | undefined;
      const next = outputs.get(index + 1).toJSON();
      if (view?.model_id === copy.model_id && isOutdated(next, copy.data)) {
        outputs.set(index + 1, { ...next, data: copy.data });
      }
    }
  }
}

/** Whether the output is a copy's place, empty or filled by us, with other contents. */
function isOutdated({ output_type, data }: Output, wanted: StaticCopy["data"]): boolean {
  if (output_type !== "display_data" || data?.["text/html"] === undefined) return false;
  const html = [data["text/html"]].flat().join("");
  return html !== wanted["text/html"] && (html === "" || html.includes("dreambooth-copy"));
}
