import { defineConfig } from "vite";
import { compressed } from "./build/compress.ts";
import { mockServer } from "./dev/mock.ts";

// What the build writes is committed and embedded in the binary, so it must be the same bytes from the same sources:
// no dates, no machine's paths, no maps.
export default defineConfig(({ command }) => ({
  base: "/",
  plugins: command === "serve" ? [mockServer()] : [compressed()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    assetsDir: "assets",
    // Nothing may become a data: URL, which the content security policy would refuse for most kinds.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    reportCompressedSize: false,
  },
  server: { host: "127.0.0.1" },
}));
