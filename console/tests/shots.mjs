// Pictures of every screen, in both themes and languages, wide and narrow, into shots/: to be looked at by people.
// `npm run shots -- --only queues` takes the screens whose names contain that, `--quick` two of the eight ways to see each.
// CONSOLE_DIST=dist shows what was just built instead of what is inside the binary.
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { launch, open } from "./support/browser.mjs";
import { arn, seed } from "./support/seed.mjs";
import { Server } from "./support/server.mjs";

const { values } = parseArgs({ options: { only: { type: "string" }, quick: { type: "boolean" }, wait: { type: "string" } } });
const folder = join(dirname(fileURLToPath(import.meta.url)), "../shots");
mkdirSync(folder, { recursive: true });

const openFirstMessage = async (page) => {
  await page.locator(".preview-button").first().click();
  await page.locator("dialog.drawer").waitFor();
};

const SCREENS = [
  { name: "overview", path: "/" },
  { name: "queues", path: "/queues" },
  {
    name: "queues-chosen",
    path: "/queues?tag=team",
    act: async (page) => {
      await page.locator("tbody input[type=checkbox]").first().check();
      await page.locator("tbody input[type=checkbox]").nth(1).check();
    },
  },
  { name: "queues-delete", path: "/queues", act: async (page) => {
      await page.locator("tbody input[type=checkbox]").first().check();
      await page.locator("tbody input[type=checkbox]").nth(1).check();
      await page.locator(".bulk .danger").nth(1).click();
    } },
  { name: "create", path: "/create" },
  { name: "create-wrong", path: "/create?like=orders.fifo", act: async (page) => {
      await page.locator("input[inputmode=numeric]").first().fill("99999");
      await page.locator("input.mono").first().fill("not good!");
    } },
  { name: "copy-as", path: "/queue?name=orders.fifo", act: async (page) => {
      await page.locator(".head-actions .button").first().click();
      await page.locator("dialog [role=tab]").nth(1).click();
    } },
  { name: "queue", path: "/queue?name=payments" },
  { name: "send", path: "/queue?name=orders.fifo&tab=send", act: async (page) => {
      await page.locator("textarea.body-editor").fill('{"order": {{n}}, "id": "{{uuid}}"}');
      await page.locator("fieldset.plain .button").last().click();
    } },
  { name: "poll", path: "/queue?name=payments&tab=poll", act: async (page) => {
      await page.locator("input[inputmode=numeric]").nth(1).fill("20");
      await page.locator("input[inputmode=numeric]").nth(2).fill("3600");
      await page.locator(".button.primary").click();
      await page.locator("tbody tr").nth(5).waitFor();
      await page.locator("tbody input[type=checkbox]").first().check();
    } },
  { name: "browse", path: "/queue?name=payments&tab=browse&state=all" },
  { name: "search", path: "/queue?name=payments&tab=browse&find=112" },
  { name: "message", path: "/queue?name=orders.fifo&tab=browse", act: openFirstMessage },
  { name: "message-hex", path: "/queue?name=payments-dead&tab=browse", act: async (page) => {
      await openFirstMessage(page);
      await page.locator("dialog .tabs.small button").last().click();
    } },
  { name: "dead-letters", path: "/queue?name=payments-dead&tab=dead-letters" },
  { name: "redrive", path: "/queue?name=payments-dead&tab=dead-letters", act: async (page) => {
      await page.locator(".card-head .button.primary").click();
      await page.locator("dialog input[type=checkbox]").check();
    } },
  { name: "resend", path: "/queue?name=orders-dead.fifo&tab=dead-letters", act: async (page) => {
      await openFirstMessage(page);
      await page.locator("dialog .dialog-foot .button").nth(2).click();
    } },
  { name: "charts", path: "/queue?name=payments&tab=charts" },
  { name: "settings", path: "/queue?name=orders.fifo&tab=settings" },
  { name: "access", path: "/queue?name=payments&tab=access" },
  { name: "tags", path: "/queue?name=payments&tab=tags" },
  { name: "purge", path: "/queue?name=payments", act: (page) => page.locator(".head-actions .danger").first().click() },
  { name: "server", path: "/server" },
  { name: "help", path: "/queues", act: (page) => page.keyboard.press("?") },
];

const variants = values.quick
  ? [{ language: "en", theme: "light", width: 1280 }, { language: "ko", theme: "dark", width: 400 }]
  : ["en", "ko"].flatMap((language) => ["light", "dark"].flatMap((theme) => [1280, 400].map((width) => ({ language, theme, width }))));

const browser = await launch();
const server = await Server.start();
try {
  await seed(server);
  await server.sqs("AddPermission", { QueueUrl: "payments", Label: "partner-may-send", AWSAccountIds: ["123456789012"], Actions: ["SendMessage", "GetQueueUrl"] });
  await server.sqs("StartMessageMoveTask", { SourceArn: arn("orders-dead.fifo"), MaxNumberOfMessagesPerSecond: 1 }).catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, Number(values.wait ?? 25) * 1000));
  const faulty = [];
  await shoot(server, SCREENS, faulty);
  const locked = await Server.start(["--auth", "on"]);
  try {
    await shoot(locked, [{ name: "sign-in", path: "/", bare: true }], faulty);
  } finally {
    await locked.stop();
  }
  for (const fault of new Set(faulty)) console.log(fault);
} finally {
  await browser.close();
  await server.stop();
}

async function shoot(where, screens, faulty) {
  for (const { language, theme, width } of variants) {
    for (const { name, path, act, bare } of screens.filter((screen) => !values.only || screen.name.includes(values.only))) {
      const { page, context, faults } = await open(browser, where, path, { language, theme, width });
      try {
        if (!bare) await page.locator(".pill.live").waitFor();
        await page.waitForTimeout(400);
        if (act) await act(page);
        await page.waitForTimeout(300);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        if (overflow > 0) faulty.push(`${name} ${language} ${width}: ${overflow} px too wide`);
      } catch (error) {
        faulty.push(`${name} ${language} ${width}: ${String(error).split("\n")[0]}`);
      }
      const dialog = await page.locator("dialog[open]").count();
      await page.screenshot({ path: join(folder, `${name}-${language}-${theme}-${width}.png`), fullPage: dialog === 0 });
      faulty.push(...faults.map((fault) => `${name}: ${fault}`));
      await context.close();
    }
  }
}
