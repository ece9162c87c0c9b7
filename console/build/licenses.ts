import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

const LIBRARY = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//;

/** Writes `licenses.txt`: name, version and licence of each library inside the bundle, as the licences ask for. */
export function licenses(): Plugin {
  let root = ".";
  return {
    name: "bongsu-licenses",
    apply: "build",
    configResolved(config) {
      root = config.root;
    },
    generateBundle(_options, bundle) {
      const modules = Object.values(bundle).flatMap((part) => (part.type === "chunk" ? part.moduleIds : []));
      const names = new Set(modules.map((id) => LIBRARY.exec(id)?.[1]).filter((name) => name !== undefined));
      const parts = [...names].sort().map((name) => {
        const folder = join(root, "node_modules", name);
        const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
        return `${name} ${version}\n\n${readFileSync(join(folder, "LICENSE"), "utf8").trim()}\n`;
      });
      this.emitFile({ type: "asset", fileName: "licenses.txt", source: parts.join(`\n${"-".repeat(80)}\n\n`) });
    },
  };
}
