// Rebuilds the console beside dist/ and fails unless the committed files are what the sources give. Compressed siblings
// are compared by what they unpack to: their bytes depend on the version of zlib and brotli inside Node.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync, gunzipSync } from "node:zlib";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const committed = join(root, "dist");
const rebuilt = mkdtempSync(join(tmpdir(), "bongsu-console-"));
const findings = [];

try {
  execFileSync(join(root, "node_modules/.bin/vite"), ["build", "--outDir", rebuilt, "--emptyOutDir"], {
    cwd: root,
    stdio: "inherit",
  });
  const before = listing(committed);
  const after = listing(rebuilt);
  for (const name of new Set([...before, ...after])) {
    if (!before.has(name)) findings.push(`${name} is missing`);
    else if (!after.has(name)) findings.push(`${name} is left over`);
    else if (!unpacked(committed, name).equals(unpacked(rebuilt, name))) findings.push(`${name} differs`);
  }
} finally {
  rmSync(rebuilt, { recursive: true, force: true });
}

for (const finding of findings) console.error(`console/dist: ${finding}`);
if (findings.length > 0) {
  console.error("console/dist is not what console/src gives: run `npm run build` in console/ and commit dist/");
  process.exit(1);
}
console.log("== console/dist is what its sources give");

function unpacked(folder, name) {
  const bytes = readFileSync(join(folder, name));
  if (name.endsWith(".br")) return brotliDecompressSync(bytes);
  return name.endsWith(".gz") ? gunzipSync(bytes) : bytes;
}

function listing(folder) {
  const found = new Set();
  const walk = (path) => {
    for (const entry of readdirSync(path)) {
      const full = join(path, entry);
      if (statSync(full).isDirectory()) walk(full);
      else found.add(relative(folder, full));
    }
  };
  walk(folder);
  return found;
}
