// Compress the runtime that package-lock.json names into runtime/; with --check, say whether it is the one that lies there.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";

const FILES = ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"];
const source = new URL("node_modules/onnxruntime-web/", import.meta.url);
const target = new URL("runtime/", import.meta.url);
const { version } = JSON.parse(readFileSync(new URL("package.json", source), "utf8"));

mkdirSync(target, { recursive: true });
for (const name of FILES) {
  // The map that the last line points to is not served.
  const content = readFileSync(new URL(`dist/${name}`, source));
  const kept = name.endsWith(".mjs")
    ? Buffer.from(content.toString().replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "\n"))
    : content;
  const file = new URL(`${name}.gz`, target);
  if (!process.argv.includes("--check")) writeFileSync(file, gzipSync(kept, { level: 9 }));
  else if (!gunzipSync(readFileSync(file)).equals(kept))
    throw new Error(`${name} is not that of onnxruntime-web ${version}`);
}
const about = new URL("VERSION", target);
if (!process.argv.includes("--check")) writeFileSync(about, `onnxruntime-web ${version}\n`);
else if (readFileSync(about, "utf8") !== `onnxruntime-web ${version}\n`) throw new Error(`VERSION is not ${version}`);
