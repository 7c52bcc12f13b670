// Bundles src/ into ../static/: widget.js and widget.css, and batch.js with batch.css, which holds only what a batch adds.
//
//   node build.mjs              once, as hatch_build.py and `npm run build` do
//   node build.mjs --watch      again after each change, for work on the front end
//   node build.mjs --out DIR    somewhere else
//
// The first line of each file holds a hash of the sources. hatch_build.py computes the same hash
// and leaves a current bundle alone: file times do not survive git, sdists and copies.

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build, context } from "esbuild";
import { minify } from "terser";

const here = dirname(fileURLToPath(import.meta.url));

/** Every file that has a say in the bundle, as sorted "/" paths; unit tests have none. */
function sources() {
  const below = readdirSync(join(here, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.test\.tsx?$/.test(entry.name))
    .map((entry) =>
      join(entry.parentPath ?? entry.path, entry.name)
        .slice(here.length + 1)
        .replaceAll("\\", "/"),
    );
  return ["build.mjs", "package-lock.json", "package.json", "tsconfig.json", ...below].sort();
}

/** The same hash as `sources_hash` in hatch_build.py. */
function sourcesHash() {
  const hash = createHash("sha256");
  for (const path of sources()) {
    const bytes = readFileSync(join(here, path));
    hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex").slice(0, 32);
}

/**
 * Names by which only our own modules call one another, and never by a computed key: they become shorter. What stands in a
 * wire.ts crosses to the kernel under its own name.
 */
const INTERNAL = [
  "onAction onCompare onDetails onFilter onOpen onRetry onSave onSelectAll onSize onStart onTurn about",
  "active alive asked blank captionOf double drawn drawSoon elapsed entry facts factsOf fault fits frozen",
  "hasKey heard hint icon labels large listReady live milestone patience place position receive requestId",
  "saving scale seen shown silent since speak stage steady store tile timer view viewing want words zoomed",
  "zoomTo",
].flatMap((line) => line.split(" "));
for (const path of sources().filter((each) => each.endsWith("wire.ts"))) {
  const code = readFileSync(join(here, path), "utf8").replace(/\/\*.*?\*\//gs, "");
  const crossing = code.match(/\w+/g).filter((word) => INTERNAL.includes(word));
  if (crossing.length > 0) throw new Error(`build.mjs would rename what crosses to the kernel: ${crossing} in ${path}`);
}

const options = {
  absWorkingDir: here,
  // Each holds all that it needs: anywidget loads a module from a blob: address, from where no import resolves.
  entryPoints: { widget: "src/index.tsx", batch: "src/batch/index.tsx" },
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  mangleProps: new RegExp(`^(${INTERNAL.join("|")})$`),
  // Some hundred bytes less than the automatic runtime of tsconfig.json; the types are the same.
  tsconfigRaw: { compilerOptions: { jsx: "react", jsxFactory: "h", jsxFragmentFactory: "Fragment" } },
  inject: ["src/jsx.ts"],
  define: { "process.env.NODE_ENV": '"production"' },
  // Written by `write` below, never by esbuild: a half-written bundle must not be seen by another process.
  write: false,
  outdir: "static",
  logLevel: "warning",
};

/** True of what we bundle: no getter does anything, and no function without `this` is a class. */
const OURS = { pure_getters: true, unsafe_arrows: true };

/** What esbuild has made, another 4 % smaller once gzipped: terser inlines and names more thoroughly. */
async function smaller(script) {
  const shared = { ecma: 2022 };
  return (await minify(script, { module: true, compress: { ...shared, ...OURS, passes: 2 }, format: shared })).code;
}

/** The finished files under the hash, each moved into place in one step. */
async function write(outputFiles, out) {
  mkdirSync(out, { recursive: true });
  const banner = `/* dreambooth_widget, sources ${sourcesHash()} */\n`;
  for (const file of outputFiles) {
    const target = join(out, basename(file.path));
    const text = target.endsWith(".js") ? await smaller(file.text) : file.text;
    writeFileSync(`${target}.${process.pid}`, banner + text);
    renameSync(`${target}.${process.pid}`, target);
    console.log(`${target}: ${banner.length + text.length} bytes`);
  }
}

const { values } = parseArgs({
  options: { out: { type: "string", default: "../static" }, watch: { type: "boolean", default: false } },
});
const out = resolve(here, values.out);

if (values.watch) {
  const rewrite = {
    name: "write",
    setup: (work) =>
      work.onEnd((result) => {
        if (result.errors.length === 0) return write(result.outputFiles, out);
      }),
  };
  await (await context({ ...options, plugins: [rewrite] })).watch();
} else {
  try {
    await write((await build(options)).outputFiles, out);
  } catch (error) {
    // esbuild has already printed what is wrong and where; a stack trace of this script adds nothing.
    if (!error.errors) throw error;
    process.exitCode = 1;
  }
}
