// The life of a queue, told by clicks: made with every attribute, filled, looked at, received from, failed, redriven, emptied, deleted.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open } from "./support/browser.mjs";
import { arn } from "./support/seed.mjs";
import { Server } from "./support/server.mjs";

let server;
let browser;
before(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const NAME = "story.fifo";
const DEAD = "story-dead.fifo";
const at = (tab) => `/queue?name=${NAME}&tab=${tab}`;
const field = (page, label) => page.getByLabel(label, { exact: true });
const receiveCounts = async (queue) => {
  const page = await server.get(`/api/queues/${queue}/messages?limit=200`);
  return page.messages.map((message) => Number(message.attributes.ApproximateReceiveCount));
};
const counts = async (queue) => {
  const { visible, inFlight, delayed } = await server.get(`/api/queues/${queue}`);
  return { visible, inFlight, delayed };
};
async function eventually(what, check, limitMs = 15_000) {
  const begun = Date.now();
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() - begun > limitMs) assert.fail(`not in ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test("a FIFO queue is created with every attribute", async () => {
  await server.sqs("CreateQueue", { QueueName: DEAD, Attributes: { FifoQueue: "true" } });
  const { page, context, faults } = await open(browser, server, "/create");
  await page.getByRole("radio", { name: /FIFO/ }).check();
  await field(page, "Name").fill("story");
  await page.getByText(`Will be called ${NAME}`).waitFor();
  await field(page, "Visibility timeout").fill("99999");
  await page.getByText("A whole number from 0 to 43,200").waitFor();
  for (const [label, value] of [
    ["Visibility timeout", "45"],
    ["Message retention", "86400"],
    ["Delivery delay", "1"],
    ["Receive wait time", "2"],
    ["Maximum message size", "65536"],
    ["Dead-letter queue", arn(DEAD)],
    ["Maximum receives", "2"],
  ]) {
    await field(page, label).fill(value);
  }
  await page.getByLabel("Content-based deduplication").check();
  await field(page, "Deduplication scope").selectOption("messageGroup");
  await field(page, "Throughput limit").selectOption("perMessageGroupId");
  await field(page, "May be the dead-letter queue of").selectOption("byQueue");
  await field(page, "Source queues").fill(arn("other.fifo"));
  await field(page, "Encryption at rest").selectOption("none");
  const policy = { Version: "2012-10-17", Statement: [{ Sid: "all", Effect: "Allow", Principal: "*", Action: "sqs:SendMessage", Resource: arn(NAME) }] };
  await field(page, "Policy (JSON)").fill(JSON.stringify(policy));
  await page.getByRole("button", { name: "Add tag" }).click();
  await page.getByLabel("Key 1").fill("team");
  await page.getByLabel("Value 1").fill("이야기");

  await page.getByRole("button", { name: "Copy as…" }).click();
  const code = page.locator("[data-copy-as]");
  assert.match(await code.textContent(), /--queue-name story\.fifo/);
  await page.getByRole("tab", { name: "Terraform" }).click();
  assert.match(await code.textContent(), /fifo_throughput_limit\s+= "perMessageGroupId"/);
  await page.getByRole("tab", { name: "boto3" }).click();
  assert.match(await code.textContent(), /"DeduplicationScope": "messageGroup"/);
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: "Create queue" }).click();
  await page.getByRole("heading", { name: NAME }).waitFor();
  const { Attributes } = await server.sqs("GetQueueAttributes", { QueueUrl: NAME, AttributeNames: ["All"] });
  const wanted = {
    VisibilityTimeout: "45",
    MessageRetentionPeriod: "86400",
    DelaySeconds: "1",
    ReceiveMessageWaitTimeSeconds: "2",
    MaximumMessageSize: "65536",
    FifoQueue: "true",
    ContentBasedDeduplication: "true",
    DeduplicationScope: "messageGroup",
    FifoThroughputLimit: "perMessageGroupId",
    SqsManagedSseEnabled: "false",
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arn(DEAD), maxReceiveCount: 2 }),
    RedriveAllowPolicy: JSON.stringify({ redrivePermission: "byQueue", sourceQueueArns: [arn("other.fifo")] }),
    Policy: JSON.stringify(policy),
  };
  for (const [name, value] of Object.entries(wanted)) assert.equal(Attributes[name], value, name);
  assert.deepEqual((await server.get(`/api/queues/${NAME}`)).tags, { team: "이야기" });
  assert.deepEqual(faults, []);
  await context.close();
});

test("a refusal is told in words, with the code", async () => {
  const { page, context, faults } = await open(browser, server, "/create", { expectStatus: [400] });
  await page.getByRole("radio", { name: /FIFO/ }).check();
  await field(page, "Name").fill("story");
  await page.getByRole("button", { name: "Create queue" }).click();
  await page.getByText("There is a queue of this name").waitFor();
  await field(page, "Name").fill("story-2");
  await field(page, "Dead-letter queue").fill(arn("nowhere.fifo"));
  await page.getByRole("button", { name: "Create queue" }).click();
  const alert = page.getByRole("alert");
  await alert.waitFor();
  assert.match(await alert.textContent(), /A value is not possible\.|There is no such queue/);
  assert.match(await alert.locator("code").textContent(), /InvalidParameterValue|NonExistentQueue/);
  assert.deepEqual(faults, []);
  await context.close();
});

test("a changed attribute is the only one that is sent", async () => {
  const { page, context, faults } = await open(browser, server, at("settings"));
  await field(page, "Delivery delay").fill("0");
  await page.getByText("1 change: DelaySeconds").waitFor();
  const request = page.waitForRequest((one) => one.url().endsWith("/api/sqs/SetQueueAttributes"));
  await page.getByRole("button", { name: "Save" }).click();
  assert.deepEqual((await request).postDataJSON().Attributes, { DelaySeconds: "0" });
  await page.getByText("No changes").waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("a queue is given a key of KMS, and left to the server's own again", async () => {
  const answer = await fetch(server.endpoint, {
    method: "POST",
    headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": "TrentService.CreateKey" },
    body: "{}",
  });
  const { KeyId } = (await answer.json()).KeyMetadata;
  await server.sqs("CreateQueue", { QueueName: "sealed" });
  const attributes = async () => (await server.sqs("GetQueueAttributes", { QueueUrl: "sealed", AttributeNames: ["All"] })).Attributes;
  const { page, context, faults } = await open(browser, server, "/queue?name=sealed&tab=settings");
  await field(page, "Encryption at rest").selectOption("kms");
  await page.getByText("Name a key").waitFor();
  await field(page, "Key").fill(KeyId);
  await field(page, "Data key reuse period").fill("600");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("No changes").waitFor();
  assert.equal((await attributes()).KmsMasterKeyId, KeyId);
  assert.equal((await attributes()).KmsDataKeyReusePeriodSeconds, "600");
  await field(page, "Encryption at rest").selectOption("sqs");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("No changes").waitFor();
  assert.equal((await attributes()).KmsMasterKeyId, undefined);
  assert.equal((await attributes()).SqsManagedSseEnabled, "true");
  assert.deepEqual(faults, []);
  await context.close();
});

test("many messages are sent from a template, ten at a time", async () => {
  const { page, context, faults } = await open(browser, server, at("send"));
  await field(page, "Body").fill('{"n": {{n}}, "id": "{{uuid}}"}');
  await page.getByText("Valid JSON").waitFor();
  await field(page, "Message group ID").fill("group-{{n}}");
  await page.getByRole("button", { name: "Add attribute" }).click();
  await page.getByLabel("Name 1").fill("kind");
  await page.getByLabel("Value 1").fill("number {{n}}");
  await field(page, "Repeat").fill("25");
  let batches = 0;
  page.on("request", (request) => (batches += request.url().endsWith("/SendMessageBatch") ? 1 : 0));
  await page.getByRole("button", { name: "Send 25 messages" }).click();
  await page.getByText("Sent 25 of 25").waitFor();
  assert.equal(batches, 3);
  const { messages } = await server.get(`/api/queues/${NAME}/messages?limit=50`);
  assert.deepEqual(messages.map((message) => JSON.parse(message.body).n), Array.from({ length: 25 }, (_, index) => index + 1));
  assert.equal(new Set(messages.map((message) => JSON.parse(message.body).id)).size, 25);
  assert.equal(messages[6].messageAttributes.kind.StringValue, "number 7");
  assert.equal(messages[6].attributes.MessageGroupId, "group-7");
  assert.deepEqual(faults, []);
  await context.close();
});

test("a file is sent as the items of its array, whose long numbers stay as they are", async () => {
  await server.sqs("CreateQueue", { QueueName: "from-file" });
  const { page, context, faults } = await open(browser, server, "/queue?name=from-file&tab=send");
  const buffer = Buffer.from('[{"id": 12345678901234567890}, "just text"]');
  await page.locator("input[type=file]").setInputFiles({ name: "orders.json", mimeType: "application/json", buffer });
  await field(page, "Split the file").selectOption("json");
  await page.getByRole("button", { name: "Send 2 messages" }).click();
  await page.getByText("Sent 2 of 2").waitFor();
  const { messages } = await server.get("/api/queues/from-file/messages");
  assert.deepEqual(messages.map((message) => message.body).sort(), ["just text", '{"id":12345678901234567890}']);
  assert.deepEqual(faults, []);
  await context.close();
});

test("looking at messages does not count as receiving them", async () => {
  const { page, context, faults } = await open(browser, server, at("browse"));
  await page.locator("tbody tr[data-message]").nth(24).waitFor();
  await page.locator(".preview-button").nth(6).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("n:").waitFor();
  await dialog.getByRole("tab", { name: "System attributes" }).click();
  await dialog.getByText("SequenceNumber").waitFor();
  await dialog.getByRole("tab", { name: /^Attributes/ }).click();
  await dialog.getByText("number 7").waitFor();
  await dialog.getByRole("button", { name: "Message after" }).click();
  await dialog.getByText("number 8").waitFor();
  await dialog.getByRole("tab", { name: "Raw" }).click();
  assert.equal(JSON.parse(await dialog.locator("pre").textContent()).MessageAttributes.kind.StringValue, "number 8");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  await page.getByLabel("Search body, ID, group, attributes").fill("number 17");
  await page.keyboard.press("Enter");
  await page.getByText("1 found in 25 of 25 messages").waitFor();
  assert.equal(await page.locator("tbody tr[data-message]").count(), 1);
  assert.deepEqual(await receiveCounts(NAME), Array(25).fill(0));
  assert.deepEqual(faults, []);
  await context.close();
});

test("received messages are held, released and deleted", async () => {
  const { page, context, faults } = await open(browser, server, at("poll"));
  await field(page, "Seconds to poll").fill("5");
  await field(page, "Most messages").fill("5");
  await page.getByRole("button", { name: "Start receiving" }).click();
  await page.locator("tbody tr[data-message]").nth(4).waitFor();
  await page.getByRole("button", { name: "Start receiving" }).waitFor();
  assert.deepEqual(await counts(NAME), { visible: 20, inFlight: 5, delayed: 0 });
  const rows = page.locator("tbody tr[data-message]");
  assert.match(await rows.first().locator("td").last().textContent(), /\d+ sec/);
  await rows.nth(0).locator("input").check();
  await rows.nth(1).locator("input").check();
  await page.getByRole("button", { name: "Delete" }).last().click();
  await page.getByText("Deleted 2 messages").waitFor();
  await rows.nth(0).locator("input").check();
  await page.getByRole("button", { name: "Hold 45 sec more" }).click();
  await page.getByText("1 message is held 45 sec longer").waitFor();
  await page.getByLabel("Select all rows").check();
  await page.getByRole("button", { name: "Release" }).click();
  await page.getByText("Released 3 messages").waitFor();
  await page.getByText("Nothing received yet").waitFor();
  assert.deepEqual(await counts(NAME), { visible: 23, inFlight: 0, delayed: 0 });
  assert.deepEqual(faults, []);
  await context.close();
});

test("receiving stops when one says so, and a long poll ends with it", async () => {
  await server.sqs("CreateQueue", { QueueName: "quiet" });
  const { page, context, faults } = await open(browser, server, "/queue?name=quiet&tab=poll");
  await page.getByRole("button", { name: "Start receiving" }).click();
  await page.getByText("Waiting for messages…").waitFor();
  await page.getByRole("button", { name: "Stop receiving" }).click();
  await page.getByText("Nothing received yet").waitFor();
  // The page has let go of its request; until the server has seen that, it may still answer it.
  const waiting = async () => (await server.get("/api/queues/quiet")).consumers.reduce((sum, { waiting }) => sum + waiting, 0);
  await eventually("nobody waits any more", async () => (await waiting()) === 0);
  await server.sqs("SendMessage", { QueueUrl: "quiet", MessageBody: "late" });
  await page.waitForTimeout(500);
  assert.deepEqual(await counts("quiet"), { visible: 1, inFlight: 0, delayed: 0 });
  assert.deepEqual(faults, []);
  await context.close();
});

/** Receives everything once more than the queue allows. */
async function wearOut() {
  for (let round = 0; round < 30; round += 1) {
    const { Messages } = await server.sqs("ReceiveMessage", { QueueUrl: NAME, MaxNumberOfMessages: 10, WaitTimeSeconds: 0, VisibilityTimeout: 0 });
    if (!Messages) return;
  }
}

test("dead letters are grouped, corrected, and redriven with progress", async () => {
  await wearOut();
  await eventually("all messages are dead letters", async () => (await counts(DEAD)).visible === 23);
  const { page, context, faults } = await open(browser, server, `/queue?name=${DEAD}&tab=dead-letters`);
  await page.getByRole("button", { name: `${NAME} 23` }).waitFor();
  await page.getByLabel("Filter by body, ID, group, attributes").fill("number 25");
  await page.locator("tbody tr[data-message]").nth(0).waitFor();
  await page.locator(".preview-button").first().click();
  await page.getByRole("dialog").getByRole("button", { name: "Edit and resend…" }).click();
  const dialog = page.getByRole("dialog").last();
  await dialog.getByLabel("Body", { exact: true }).fill('{"n": 25, "fixed": true}');
  await dialog.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByText(`Sent to ${NAME}`).waitFor();
  await eventually("the dead letter is gone", async () => (await counts(DEAD)).visible === 22);
  assert.equal((await counts(NAME)).visible, 1);

  await page.getByLabel("Filter by body, ID, group, attributes").fill("");
  await page.locator("tbody input[type=checkbox]").first().check();
  await page.getByRole("button", { name: "Redrive selected…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Redrive", exact: true }).click();
  await page.getByText("Moved 1 message", { exact: true }).waitFor();
  await eventually("one more is back", async () => (await counts(NAME)).visible === 2);

  await page.getByRole("button", { name: "Redrive all…" }).click();
  await page.getByLabel("Limit the speed").check();
  await page.getByLabel("Messages per second").fill("5");
  await page.getByRole("dialog").getByRole("button", { name: "Start" }).click();
  await page.locator("[data-status=RUNNING] progress").waitFor();
  await page.locator("[data-status=RUNNING]").getByText(/\d+ \/ 21 · .*left/).waitFor();
  await page.locator("[data-status=COMPLETED]").getByText("Moved 21 messages").waitFor({ timeout: 20_000 });
  await page.getByText("No dead letters. All is well.").waitFor();
  assert.equal((await counts(NAME)).visible, 23);
  assert.deepEqual(faults, []);
  await context.close();
});

test("a redrive is cancelled", async () => {
  await wearOut();
  await eventually("all messages are dead letters", async () => (await counts(DEAD)).visible === 23);
  await server.sqs("StartMessageMoveTask", { SourceArn: arn(DEAD), MaxNumberOfMessagesPerSecond: 1 });
  const { page, context, faults } = await open(browser, server, `/queue?name=${DEAD}&tab=dead-letters`);
  await page.locator("[data-status=RUNNING]").getByRole("button", { name: "Cancel" }).click();
  await page.locator("[data-status=CANCELLED]").first().waitFor();
  assert.ok((await counts(DEAD)).visible > 0);
  assert.deepEqual(faults, []);
  await context.close();
});

test("permissions are added and removed, tags changed", async () => {
  const { page, context, faults } = await open(browser, server, at("access"));
  await page.getByRole("button", { name: "Add permission" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Label").fill("partner");
  await dialog.getByLabel("Account IDs").fill("111122223333, 444455556666");
  await dialog.getByLabel("ReceiveMessage").check();
  await dialog.getByRole("button", { name: "Add permission" }).click();
  await page.getByText("Added partner").waitFor();
  const policy = async () => JSON.parse((await server.sqs("GetQueueAttributes", { QueueUrl: NAME, AttributeNames: ["Policy"] })).Attributes?.Policy ?? "{}");
  assert.deepEqual((await policy()).Statement[1].Action, ["SQS:SendMessage", "SQS:ReceiveMessage"]);
  await page.getByRole("button", { name: "Remove partner" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove", exact: true }).click();
  await eventually("the permission is gone", async () => (await policy()).Statement.length === 1);

  // Two write at once: neither's change is lost unseen.
  await eventually("the page has what is stored", async () => !(await page.getByLabel("Policy (JSON)").inputValue()).includes("partner"));
  const others = JSON.stringify({ ...(await policy()), Id: "theirs" });
  await page.getByLabel("Policy (JSON)").fill(JSON.stringify({ ...(await policy()), Id: "mine" }));
  await server.sqs("SetQueueAttributes", { QueueUrl: NAME, Attributes: { Policy: others } });
  await page.getByText("Somebody else has changed the policy").waitFor();
  assert.ok(await page.getByRole("button", { name: "Save" }).isDisabled());
  await page.getByRole("button", { name: "Keep mine and overwrite theirs" }).click();
  await page.getByRole("button", { name: "Save" }).click();
  await eventually("mine is stored", async () => (await policy()).Id === "mine");

  await page.getByRole("button", { name: "Remove the policy" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove", exact: true }).click();
  await page.getByText("No policy").waitFor();

  await page.getByRole("tab", { name: "Tags" }).click();
  await page.getByLabel("Value 1").fill("story");
  await page.getByRole("button", { name: "Add tag" }).click();
  await page.getByLabel("Key 2").fill("team");
  await page.getByText("Each key only once").waitFor();
  await page.getByLabel("Key 2").fill("stage");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved").first().waitFor();
  await eventually("tags are stored", async () => JSON.stringify((await server.get(`/api/queues/${NAME}`)).tags) === JSON.stringify({ stage: "", team: "story" }));
  assert.deepEqual(faults, []);
  await context.close();
});

test("a chart shows the load that was made", async () => {
  await server.sqs("CreateQueue", { QueueName: "loaded" });
  const load = setInterval(() => void server.fill("loaded", Array(10).fill("load")).catch(() => undefined), 200);
  try {
    const { page, context, faults } = await open(browser, server, "/queue?name=loaded&tab=charts");
    const rates = page.locator("[data-chart=rates]");
    await eventually("the chart has the load", async () => Number(/Sent ([\d.]+)/.exec(await rates.locator("[role=img]").getAttribute("aria-label"))?.[1] ?? 0) > 5, 45_000);
    const painted = await rates.locator("canvas").evaluate((canvas) => {
      const [red, green, blue] = [0xb9, 0x3d, 0x0a];
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let found = 0;
      for (let at = 0; at < data.length; at += 4) {
        if (Math.abs(data[at] - red) + Math.abs(data[at + 1] - green) + Math.abs(data[at + 2] - blue) < 40 && data[at + 3] > 200) found += 1;
      }
      return found;
    });
    assert.ok(painted > 3, `${painted} pixels of the line's colour`);
    await rates.locator(".u-over").hover({ position: { x: 5, y: 20 } });
    await rates.locator(".chart-tip").waitFor();
    await page.getByRole("radio", { name: "24 h" }).check();
    await eventually("the span is in the address", async () => page.url().includes("range=24h"));
    assert.deepEqual(faults, []);
    await context.close();
  } finally {
    clearInterval(load);
  }
});

test("a queue is purged and deleted by those who type its name", async () => {
  const { page, context, faults } = await open(browser, server, at("overview"));
  await page.getByRole("button", { name: "Purge" }).click();
  const purge = page.getByRole("dialog").getByRole("button", { name: "Purge" });
  assert.ok(await purge.isDisabled());
  await page.getByLabel(`Type ${NAME} to confirm`).fill("story");
  assert.ok(await purge.isDisabled());
  await page.getByLabel(`Type ${NAME} to confirm`).fill(NAME);
  await purge.click();
  await page.getByText(`Purged ${NAME}`).waitFor();
  assert.deepEqual(await counts(NAME), { visible: 0, inFlight: 0, delayed: 0 });
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByLabel(`Type ${NAME} to confirm`).fill(NAME);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Queues" }).waitFor();
  await assert.rejects(server.get(`/api/queues/${NAME}`), /400|404/);
  assert.deepEqual(faults, []);
  await context.close();
});

test("several queues are tagged, purged and deleted at once", async () => {
  for (const name of ["bulk-a", "bulk-b", "bulk-c"]) {
    await server.sqs("CreateQueue", { QueueName: name });
    await server.sqs("SendMessage", { QueueUrl: name, MessageBody: "x" });
  }
  const { page, context, faults } = await open(browser, server, "/queues?search=bulk-");
  await page.getByText("bulk-c").waitFor();
  await page.getByLabel("Select all rows").check();
  await page.getByRole("button", { name: "Add tag" }).click();
  await page.getByRole("dialog").getByLabel("Key", { exact: true }).fill("kept");
  await page.getByRole("dialog").getByRole("button", { name: "Add tag" }).click();
  await page.getByText("Tagged 3 queues").waitFor();
  await page.goto(`${server.console}/queues?tag=kept`);
  await page.getByText("bulk-c").waitFor();
  await page.getByLabel("Select all rows").check();
  await page.getByRole("button", { name: "Purge" }).click();
  await page.getByLabel("Type 3 to confirm").fill("3");
  await page.getByRole("dialog").getByRole("button", { name: "Purge" }).click();
  await page.getByText("Purged 3 queues").waitFor();
  assert.equal((await counts("bulk-b")).visible, 0);
  await page.getByLabel("Select all rows").check();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByLabel("Type 3 to confirm").fill("3");
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByText("Deleted 3 queues").waitFor();
  await page.getByText("No queue matches").waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});
