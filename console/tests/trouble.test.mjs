// What the console does when something goes wrong halfway: nothing is sent twice, nothing that was done is forgotten.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open } from "./support/browser.mjs";
import { arn } from "./support/seed.mjs";
import { Server } from "./support/server.mjs";

let server;
let browser;
before(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
  for (const name of ["plain", "dead"]) await server.sqs("CreateQueue", { QueueName: name });
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arn("dead"), maxReceiveCount: 3 });
  await server.sqs("CreateQueue", { QueueName: "source", Attributes: { RedrivePolicy } });
  await server.sqs("CreateQueue", { QueueName: "ordered.fifo", Attributes: { FifoQueue: "true", ContentBasedDeduplication: "true" } });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const visible = async (queue) => (await server.get(`/api/queues/${queue}`)).visible;
const bodies = async (queue) => (await server.get(`/api/queues/${queue}/messages?limit=200`)).messages.map((message) => message.body);
const refuse = (route, status, code) =>
  route.fulfill({ status, contentType: "application/json", body: JSON.stringify({ error: { code, message: `refused: ${code}` } }) });

/** Answers the requests whose number (from 0) `chosen` takes in the server's place; returns how many came so far. */
async function trouble(page, path, chosen, status, code) {
  let seen = 0;
  await page.route(path, (route) => (chosen(seen++) ? refuse(route, status, code) : route.continue()));
  return () => seen;
}

async function sendMany(page, amount) {
  await page.getByLabel("Body", { exact: true }).fill("number {{n}}");
  await page.getByLabel("Repeat", { exact: true }).fill(String(amount));
  await page.getByRole("button", { name: `Send ${amount} messages` }).click();
}

test("a dead letter whose copy was sent is not sent again", async () => {
  await server.sqs("SendMessage", { QueueUrl: "dead", MessageBody: "one\r\ntwo\r\n" });
  const { page, context } = await open(browser, server, "/queue?name=dead&tab=dead-letters");
  await trouble(page, "**/api/queues/dead/messages/delete", (n) => n === 0, 503, "ServiceUnavailable");
  await page.locator(".preview-button").first().click();
  await page.getByRole("dialog").getByRole("button", { name: "Edit and resend…" }).click();
  const dialog = page.getByRole("dialog").last();
  await dialog.locator("select").first().selectOption("source");
  // Written over as one does in a field, which knows no CR.
  await dialog.getByLabel("Body", { exact: true }).fill("one\n2\n");
  await dialog.getByRole("button", { name: "Send", exact: true }).click();
  await dialog.getByText("The copy was sent; the dead letter is still here.").waitFor();
  assert.equal(await visible("dead"), 1);
  await dialog.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByText("No dead letters. All is well.").waitFor();
  assert.equal(await visible("dead"), 0);
  assert.deepEqual(await bodies("source"), ["one\r\n2\r\n"]);
  await context.close();
});

test("a server that is too busy is asked again", async () => {
  const { page, context } = await open(browser, server, "/queue?name=plain&tab=send");
  const seen = await trouble(page, "**/api/sqs/SendMessageBatch", (n) => n % 2 === 0, 400, "RequestThrottled");
  await sendMany(page, 30);
  await page.getByText("Sent 30 of 30").waitFor();
  assert.ok(seen() > 3);
  assert.equal(await visible("plain"), 30);
  await context.close();
});

test("a server that fails is left alone, and what was sent is told", async () => {
  await server.sqs("PurgeQueue", { QueueUrl: "plain" });
  const { page, context } = await open(browser, server, "/queue?name=plain&tab=send");
  const seen = await trouble(page, "**/api/sqs/SendMessageBatch", (n) => n >= 2, 500, "InternalFailure");
  await sendMany(page, 900);
  await page.getByText("Sending stopped: 20 of 900 were sent.").waitFor();
  assert.ok(seen() <= 8, `${seen()} requests`);
  assert.equal(await visible("plain"), 20);
  await context.close();
});

test("a FIFO queue gets nothing after what it refused", async () => {
  const { page, context } = await open(browser, server, "/queue?name=ordered.fifo&tab=send");
  const seen = await trouble(page, "**/api/sqs/SendMessageBatch", (n) => n === 1, 400, "InvalidParameterValue");
  await page.getByLabel("Message group ID", { exact: true }).fill("g");
  await sendMany(page, 50);
  await page.getByText("Sending stopped: 10 of 50 were sent.").waitFor();
  assert.equal(seen(), 2);
  assert.equal(await visible("ordered.fifo"), 10);
  await context.close();
});

test("polling ends with its time and does not hurry in its last second", async () => {
  const { page, context } = await open(browser, server, "/queue?name=source&tab=poll");
  await server.sqs("PurgeQueue", { QueueUrl: "source" });
  const seen = await trouble(page, "**/api/sqs/ReceiveMessage", () => false, 0, "");
  await page.getByLabel("Seconds to poll").fill("2");
  await page.getByRole("button", { name: "Start receiving" }).click();
  await page.getByRole("button", { name: "Stop receiving" }).waitFor();
  await page.getByRole("button", { name: "Start receiving" }).waitFor();
  assert.ok(seen() <= 3, `${seen()} requests`);
  await context.close();
});

test("who stays with something unsaved stays in the same region", async () => {
  await server.sqs("CreateQueue", { QueueName: "far" }, { "x-bongsu-region": "ap-northeast-2" });
  const { page, context } = await open(browser, server, "/create");
  const place = page.getByLabel("Account and region");
  const before = await place.inputValue();
  const other = before.replace(/\/.*/, "/ap-northeast-2");
  await page.getByLabel("Name", { exact: true }).fill("unsaved");
  page.once("dialog", (dialog) => dialog.dismiss());
  await place.selectOption(other);
  assert.equal(await place.inputValue(), before);
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "unsaved");
  page.once("dialog", (dialog) => dialog.accept());
  await place.selectOption(other);
  assert.equal(await place.inputValue(), other);
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "");
  await context.close();
});
