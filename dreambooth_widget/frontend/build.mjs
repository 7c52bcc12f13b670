// Bundles src/ into ../static/widget.js and ../static/widget.css, which serve both widgets.
//
//   node build.mjs              once, as hatch_build.py and `npm run build` do
//   node build.mjs --watch      again after each change, for work on the front end
//   node build.mjs --out DIR    somewhere else
//
// hatch_build.py marks what it builds with a hash of the sources. A bundle that was made here has no such mark, so the
// next installation builds it anew.

import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build, context } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({
  options: { out: { type: "string", default: "../static" }, watch: { type: "boolean", default: false } },
});

const options = {
  absWorkingDir: here,
  // One file that holds all it needs: anywidget loads a module from a blob: address, from where no import resolves.
  entryPoints: { widget: "src/index.tsx" },
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  define: { "process.env.NODE_ENV": '"production"' },
  outdir: resolve(here, values.out),
  logLevel: "info",
};

if (values.watch) {
  await (await context(options)).watch();
} else {
  // esbuild prints what is wrong and where; a stack trace of this script adds nothing.
  await build(options).catch(() => {
    process.exitCode = 1;
  });
}
