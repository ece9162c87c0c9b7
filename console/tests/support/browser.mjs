// Debian's Chromium, and pages that remember what a good page never does.
import { existsSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { chromium } from "playwright-core";

const executablePath = process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

export function launch() {
  if (!executablePath) throw new Error("chromium is missing, install it first (Debian: apt-get install chromium)");
  // Inside a container, and as root, Chromium's own sandbox is not to be had.
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage", "--force-color-profile=srgb"] });
}

/**
 * A page on the console. `faults` gathers errors on the browser's console, exceptions, and requests that leave the origin;
 * refusals that a test provokes are named by `expectStatus`.
 */
export async function open(browser, server, path = "/", options = {}) {
  const { language = "en", theme = "light", width = 1280, height = 860, expectStatus = [] } = options;
  const context = await browser.newContext({
    viewport: { width, height },
    locale: language === "ko" ? "ko-KR" : "en-GB",
    timezoneId: "Asia/Seoul",
    colorScheme: theme,
    reducedMotion: "reduce",
  });
  context.setDefaultTimeout(Number(process.env.CONSOLE_TEST_TIMEOUT_MS ?? 15_000));
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => {
    if (!["error", "warning"].includes(message.type())) return;
    // The browser reports each refused request by itself.
    if (expectStatus.some((status) => message.text().includes(`status of ${status}`))) return;
    faults.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`exception: ${error.stack ?? error}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && url.protocol !== "blob:" && url.origin !== server.console) faults.push(`left the origin: ${url}`);
  });
  if (process.env.CONSOLE_DIST) await serveFrom(page, process.env.CONSOLE_DIST, server);
  if (path !== null) await page.goto(server.console + path);
  return { page, context, faults };
}

const TYPES = { ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

/** Shows a dist/ that was just built in place of the one inside the binary, under the binary's own headers. */
async function serveFrom(page, folder, server) {
  const headers = Object.fromEntries((await fetch(server.console)).headers);
  delete headers["content-encoding"];
  delete headers["content-length"];
  await page.route(
    (url) => !/^\/(api|metrics|health)/.test(url.pathname),
    (route) => {
      const { pathname } = new URL(route.request().url());
      const name = pathname.startsWith("/assets/") ? pathname : "/index.html";
      return route.fulfill({ body: readFileSync(join(folder, name)), headers: { ...headers, "content-type": TYPES[extname(name)] ?? "text/html" } });
    },
  );
}
