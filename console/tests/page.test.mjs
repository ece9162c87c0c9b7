// What holds for every page: who may in, what leaves the page, keys, languages, themes, and what happens when the line is cut.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open } from "./support/browser.mjs";
import { seed } from "./support/seed.mjs";
import { Server } from "./support/server.mjs";

let server;
let browser;
before(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
  await seed(server);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const TABS = ["overview", "send", "poll", "browse", "dead-letters", "charts", "settings", "access", "tags"];
const PATHS = ["/", "/queues", "/create", "/create?like=orders.fifo", "/server", ...TABS.map((tab) => `/queue?name=payments-dead&tab=${tab}`)];

test("every page keeps to itself, under a strict policy, without an error", async () => {
  const page = await fetch(server.console);
  const policy = page.headers.get("content-security-policy");
  for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"]) {
    assert.ok(policy.includes(rule), `${rule} in ${policy}`);
  }
  assert.doesNotMatch(policy, /unsafe|\*|https?:/);
  assert.equal(page.headers.get("x-content-type-options"), "nosniff");
  assert.equal(page.headers.get("referrer-policy"), "no-referrer");
  const html = await page.text();
  assert.doesNotMatch(html, /<script(?![^>]*src=)|<style| style=| on[a-z]+=/);
  for (const path of PATHS) {
    const { page, context, faults } = await open(browser, server, path);
    await page.locator(".pill.live").waitFor();
    await page.locator("h1").waitFor();
    assert.deepEqual(faults, [], path);
    await context.close();
  }
});

test("the first view is small", async () => {
  const { page, context } = await open(browser, server, null);
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  let bytes = 0;
  const files = new Map();
  session.on("Network.responseReceived", ({ requestId, response }) => files.set(requestId, response.url));
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (!new URL(files.get(requestId) ?? "x:").pathname.startsWith("/api/")) bytes += encodedDataLength;
  });
  await page.goto(server.console);
  await page.locator("canvas").first().waitFor();
  assert.ok(bytes > 20_000 && bytes < 150 * 1024, `${bytes} bytes`);
  await context.close();
});

test("names are for people: every control has one, every id is unique, texts can be read", async () => {
  for (const [path, theme] of [...PATHS.map((path) => [path, "light"]), ["/", "dark"], ["/queues", "dark"], ["/create", "dark"], ["/queue?name=payments-dead&tab=dead-letters", "dark"]]) {
    const { page, context } = await open(browser, server, path, { theme });
    await page.locator(".pill.live").waitFor();
    await page.locator("h1").waitFor();
    await page.waitForTimeout(200);
    assert.deepEqual(await page.evaluate(findings), [], `${path} ${theme}`);
    await context.close();
  }
});

/** Runs in the page. What assistive software stumbles over, found by hand. */
function findings() {
  const found = [];
  const visible = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;
  const name = (element) => {
    const labelled = (element.getAttribute("aria-labelledby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join("");
    const labels = [...(element.labels ?? [])].map((label) => label.textContent).join("");
    return (element.getAttribute("aria-label") || labelled || labels || element.textContent || element.getAttribute("alt") || "").trim();
  };
  for (const element of document.querySelectorAll("a[href], button, input, select, textarea, [role=tab], [role=img], dialog")) {
    if (visible(element) && name(element) === "") found.push(`no name: ${element.outerHTML.slice(0, 120)}`);
  }
  for (const image of document.querySelectorAll("img:not([alt])")) found.push(`no alt: ${image.src}`);
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of new Set(ids.filter((one, at) => ids.indexOf(one) !== at))) found.push(`id twice: ${id}`);
  for (const element of document.querySelectorAll("[aria-describedby], [aria-controls]")) {
    for (const attribute of ["aria-describedby", "aria-controls"]) {
      const id = element.getAttribute(attribute);
      if (id && !document.getElementById(id)) found.push(`${attribute} of nothing: ${id}`);
    }
  }
  if (document.querySelectorAll("h1").length !== 1) found.push("not one h1");
  if (document.querySelectorAll("main").length !== 1) found.push("not one main");
  if (!/^(en|ko)$/.test(document.documentElement.lang)) found.push("no language");
  for (const element of document.querySelectorAll("[tabindex]")) if (element.tabIndex > 0) found.push("positive tabindex");

  const parse = (text) => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const known = new Map();
  const colour = (text) => known.get(text) ?? known.set(text, parse(text)).get(text);
  const luminance = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, alpha] = colour(getComputedStyle(at).backgroundColor);
      if (alpha > 250) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!element || seen.has(element) || walker.currentNode.nodeValue.trim() === "" || !visible(element)) continue;
    seen.add(element);
    if (element.closest(":disabled, .off-screen, noscript, option, [aria-hidden=true]")) continue;
    const style = getComputedStyle(element);
    const [light, dark] = [luminance(colour(style.color)), luminance(background(element))].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    const large = parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 600;
    if (ratio < (large ? 3 : 4.5)) found.push(`contrast ${ratio.toFixed(2)}: ${element.className} "${element.textContent.slice(0, 30)}"`);
  }
  return found;
}

test("everything can be done with the keyboard alone", async () => {
  const { page, context, faults } = await open(browser, server, "/");
  const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");
  await page.locator(".pill.live").waitFor();
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await help.waitFor();
  for (let round = 0; round < 8; round += 1) {
    await page.keyboard.press("Tab");
    // Past the last element the browser's own buttons have a turn, but never the page behind.
    assert.ok(await page.evaluate(() => document.activeElement === document.body || document.activeElement?.closest("dialog") !== null));
  }
  await page.keyboard.press("Escape");
  await help.waitFor({ state: "hidden" });

  await page.keyboard.press("g");
  await page.keyboard.press("q");
  await page.getByRole("heading", { name: "Queues" }).waitFor();
  await page.getByText("webhooks").waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("emails");
  await page.getByText("webhooks").waitFor({ state: "hidden" });
  await page.keyboard.press("ArrowDown");
  assert.match(await focused(), /^emails/);
  await page.keyboard.press("Space");
  await page.getByText("1 queue selected").waitFor();
  await page.keyboard.press("Space");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "emails" }).waitFor();

  await page.getByRole("tab", { name: "Overview" }).focus();
  await page.keyboard.press("ArrowRight");
  await page.getByLabel("Body", { exact: true }).waitFor();
  assert.equal(await focused(), "Send");
  await page.keyboard.press("Tab");
  while ((await page.evaluate(() => document.activeElement?.tagName)) !== "TEXTAREA") await page.keyboard.press("Tab");
  await page.keyboard.type("by keyboard");
  await page.keyboard.press("Control+Enter");
  await page.getByText("Sent", { exact: false }).first().waitFor();

  await page.getByRole("tab", { name: "Send" }).focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.getByRole("tab", { name: /^Delayed/ }).waitFor();
  await page.keyboard.press("End");
  await page.getByRole("tab", { name: "Tags", selected: true }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("o");
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("the focus can be seen, and comes back from a dialog", async () => {
  const { page, context } = await open(browser, server, "/queue?name=payments");
  const button = page.getByRole("button", { name: "Purge" });
  await button.focus();
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Tab");
  assert.notEqual(await button.evaluate((element) => getComputedStyle(element).outlineStyle), "none");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.tagName), "INPUT");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  assert.ok(await button.evaluate((element) => element === document.activeElement));
  await context.close();
});

test("Korean and dark are chosen, and remembered", async () => {
  const { page, context, faults } = await open(browser, server, "/queues");
  await page.getByRole("button", { name: "한국어" }).click();
  await page.getByRole("heading", { name: /^큐/ }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), "ko");
  await page.getByRole("button", { name: "테마: 시스템 설정" }).click();
  await page.getByRole("button", { name: "테마: 밝게" }).click();
  await page.getByRole("button", { name: "테마: 어둡게" }).waitFor();
  await page.reload();
  await page.getByRole("link", { name: "큐 만들기" }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  // Every page in Korean: no English word but names, codes and units.
  for (const path of PATHS) {
    await page.goto(server.console + path);
    await page.locator("h1").waitFor();
    await page.locator(".pill.live").waitFor();
    const text = await page.locator("body").innerText();
    const left = text.match(/\b(Available|In flight|Delayed|Overview|Queues|Server|Send|Receive|Browse|Settings|Cancel|Save|Delete|Name|Oldest|Loading|Message|Messages|Tags|Policy)\b/g) ?? [];
    assert.deepEqual(left.filter((word) => word !== "Policy"), [], path);
  }
  assert.deepEqual(faults, []);
  await context.close();
});

test("no page is wider than a narrow screen", async () => {
  for (const language of ["en", "ko"]) {
    for (const path of PATHS) {
      const { page, context } = await open(browser, server, path, { width: 400, language });
      await page.locator(".pill.live").waitFor();
      await page.locator("h1").waitFor();
      await page.waitForTimeout(150);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 400, `${path} ${language}`);
      await context.close();
    }
  }
});

test("pages lead far into a long queue", async () => {
  const { page, context, faults } = await open(browser, server, "/queue?name=payments&tab=browse&state=all");
  await page.getByText(/1–50 of 1,1\d\d/).waitFor();
  await page.getByLabel("Go to").fill("777");
  await page.keyboard.press("Enter");
  await page.getByText(/751–800 of/).waitFor();
  await page.getByRole("button", { name: "Last page" }).click();
  await page.getByText(/1,1\d1–1,1\d\d of/).waitFor();
  await page.goBack();
  await page.getByText(/751–800 of/).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("a filter of the list is part of the address", async () => {
  const { page, context, faults } = await open(browser, server, "/queues?tag=team%3Dpayments&sort=visible&descending=true");
  await page.locator("tbody tr").nth(2).waitFor();
  assert.deepEqual(await page.locator("tbody .queue-name").allTextContents(), ["payments", "payments-dead", "refunds"]);
  await page.getByLabel("Type").selectOption("dead-letter");
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
  await page.getByRole("button", { name: "team=payments" }).click();
  assert.ok(page.url().includes("kind=dead-letter"));
  assert.deepEqual(faults, []);
  await context.close();
});

test("figures follow what happens without a reload", async () => {
  const { page, context, faults } = await open(browser, server, "/queue?name=webhooks");
  await page.locator(".pill.live").waitFor();
  await server.fill("webhooks", Array(12).fill("x"));
  await page.locator(".counts .visible dd").getByText("12", { exact: true }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("a cut line is shown, and taken up again", async () => {
  const { page, context } = await open(browser, server, "/queues");
  await page.locator(".pill.live").waitFor();
  await page.route("**/api/events*", (route) => route.abort());
  await page.getByRole("link", { name: "Overview" }).click();
  // The pauses grow: after a few, there is time to press the button before the page tries again by itself.
  await page.getByRole("button", { name: /Connection lost/ }).getByText(/^[4-8] s$/).waitFor({ timeout: 20_000 });
  await page.unroute("**/api/events*");
  await page.getByRole("button", { name: /Connection lost/ }).click();
  await page.locator(".pill.live").waitFor({ timeout: 2_500 });
  await context.close();
});

test("a page in the background gives its stream back", async () => {
  // This page has one stream from its beginning; the list begins another once it knows its rows.
  const { page, context, faults } = await open(browser, server, "/server");
  await page.locator(".pill.live").waitFor();
  const hide = (hidden) =>
    page.evaluate((value) => {
      Object.defineProperty(document, "hidden", { value, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  const ended = page.waitForEvent("requestfailed", (request) => request.url().includes("/api/events"));
  await hide(true);
  await ended;
  const begun = page.waitForRequest((request) => request.url().includes("/api/events"));
  await hide(false);
  await begun;
  await page.locator(".pill.live").waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("a server that dies is noticed, and what was on the page stays", async () => {
  const other = await Server.start();
  const { page, context } = await open(browser, other, "/queues");
  await other.sqs("CreateQueue", { QueueName: "last-words" });
  await page.goto(`${other.console}/queues`);
  await page.getByText("last-words").waitFor();
  await page.locator(".pill.live").waitFor();
  await other.kill();
  await page.getByRole("button", { name: /Connection lost/ }).waitFor();
  assert.ok(await page.getByText("last-words").isVisible());
  await context.close();
});

test("a queue that somebody else deletes says so", async () => {
  await server.sqs("CreateQueue", { QueueName: "short-lived" });
  const { page, context } = await open(browser, server, "/queue?name=short-lived", { expectStatus: [400, 404] });
  await page.locator(".pill.live").waitFor();
  await server.sqs("DeleteQueue", { QueueUrl: "short-lived" });
  await page.getByText("There is no such queue (any more).").waitFor();
  await context.close();
});

test("with authentication nobody sees anything before signing in", async () => {
  const locked = await Server.start(["--auth", "on"]);
  try {
    const { page, context, faults } = await open(browser, locked, "/queues", { expectStatus: [401, 403] });
    await page.getByRole("heading", { name: "Sign in to Bongsu" }).waitFor();
    assert.equal(await page.locator("table").count(), 0);
    await page.getByLabel("Access key ID").fill(locked.rootKey.id);
    await page.getByLabel("Secret access key").fill("wrong");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").waitFor();
    await page.getByLabel("Secret access key").fill(locked.rootKey.secret);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Queues" }).waitFor();
    await page.getByRole("link", { name: "Create queue" }).click();
    await page.getByLabel("Name", { exact: true }).fill("mine");
    await page.getByRole("button", { name: "Create queue" }).click();
    await page.getByRole("heading", { name: "mine" }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "mine" }).waitFor();
    assert.equal(await page.evaluate(() => document.cookie), "");
    const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
    assert.ok(!stored.includes(locked.rootKey.secret) && !stored.includes(locked.rootKey.id));
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in to Bongsu" }).waitFor();
    await page.goto(`${locked.console}/queues`);
    await page.getByRole("heading", { name: "Sign in to Bongsu" }).waitFor();
    assert.deepEqual(faults, []);
    await context.close();
  } finally {
    await locked.stop();
  }
});

test("a user sees and does what his policy says, and no more", async () => {
  const locked = await Server.start(["--auth", "on"]);
  try {
    locked.command("user", "create", "alice");
    const statement = { Effect: "Allow", Action: ["sqs:ListQueues", "sqs:GetQueueAttributes", "sqs:ListQueueTags", "sqs:CreateQueue"], Resource: "*" };
    locked.command("policy", "put", "--user", "alice", "--name", "look", "-", { Version: "2012-10-17", Statement: [statement] });
    const key = locked.command("key", "create", "--user", "alice");
    const text = JSON.stringify(key);
    const id = /"(?:AccessKeyId|accessKeyId|access_key_id|id)":\s*"([^"]+)"/.exec(text)[1];
    const secret = /"(?:SecretAccessKey|secretAccessKey|secret_access_key|secret)":\s*"([^"]+)"/.exec(text)[1];
    const { page, context, faults } = await open(browser, locked, "/create", { expectStatus: [401, 403] });
    await page.getByLabel("Access key ID").fill(id);
    await page.getByLabel("Secret access key").fill(secret);
    await page.keyboard.press("Enter");
    await page.getByLabel("Name", { exact: true }).fill("hers");
    await page.getByRole("button", { name: "Create queue" }).click();
    await page.getByRole("heading", { name: "hers" }).waitFor();
    await page.getByText("alice").waitFor();
    await page.getByRole("tab", { name: "Send" }).click();
    await page.getByLabel("Body", { exact: true }).fill("x");
    await page.getByRole("button", { name: "Send message" }).click();
    await page.getByText("You may not do this.").waitFor();
    await page.getByText("AccessDenied").first().waitFor();
    await page.getByRole("tab", { name: /Browse/ }).click();
    await page.getByRole("alert").getByText("You may not do this.").waitFor();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByLabel("Type hers to confirm").fill("hers");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").getByRole("alert").getByText("You may not do this.").waitFor();
    assert.deepEqual(faults, []);
    await context.close();
  } finally {
    await locked.stop();
  }
});

test("a journal in memory has no disk, and says so", async () => {
  const fleeting = await Server.start(["--journal", "memory"]);
  try {
    await fleeting.sqs("CreateQueue", { QueueName: "q" });
    const { page, context, faults } = await open(browser, fleeting, "/");
    await page.getByText("Messages are kept in memory only").waitFor();
    await page.getByRole("link", { name: "Server" }).click();
    await page.getByRole("heading", { name: "Server", exact: true }).waitFor();
    assert.deepEqual(faults, []);
    await context.close();
  } finally {
    await fleeting.stop();
  }
});

test("an empty server says how to begin", async () => {
  const empty = await Server.start();
  try {
    const { page, context, faults } = await open(browser, empty, "/", { width: 400 });
    await page.getByText("No queues yet").waitFor();
    assert.match(await page.locator(".code-line code").textContent(), /aws --endpoint-url http:\/\/127\.0\.0\.1:\d+ .*create-queue/);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 400);
    await page.getByRole("link", { name: "Queues" }).click();
    await page.getByText("There are no queues here").waitFor();
    assert.deepEqual(faults, []);
    await context.close();
  } finally {
    await empty.stop();
  }
});
