import { defineConfig } from "vite";
import { compressed } from "./build/compress.ts";
import { licenses } from "./build/licenses.ts";

// What the build writes is committed and embedded in the binary, so it must be the same bytes from the same sources:
// no dates, no machine's paths, no maps.
// `npm run dev` shows the sources as they are being written, with the console interface of a server that runs already.
const server = process.env["BONGSU_CONSOLE"] ?? "http://127.0.0.1:9325";
const toServer = { target: server, headers: { host: new URL(server).host, origin: server } };

export default defineConfig({
  base: "/",
  plugins: [licenses(), compressed()],
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
  server: { host: "127.0.0.1", proxy: { "/api": toServer, "/metrics": toServer, "/health": toServer } },
});
