// A small world that looks like a real one: for screenshots and for trying things out.

const REGION = "us-east-1";
const ACCOUNT = "000000000000";
export const arn = (name) => `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}`;

export async function seed(server) {
  const create = (QueueName, Attributes = {}, tags = {}) => server.sqs("CreateQueue", { QueueName, Attributes, tags });
  const redrive = (name, maxReceiveCount) => JSON.stringify({ deadLetterTargetArn: arn(name), maxReceiveCount });
  await create("orders-dead.fifo", { FifoQueue: "true" }, { team: "fulfilment" });
  await create(
    "orders.fifo",
    { FifoQueue: "true", ContentBasedDeduplication: "true", VisibilityTimeout: "60", RedrivePolicy: redrive("orders-dead.fifo", 2) },
    { team: "fulfilment", stage: "production" },
  );
  await create("payments-dead", {}, { team: "payments" });
  await create("payments", { RedrivePolicy: redrive("payments-dead", 3), ReceiveMessageWaitTimeSeconds: "20" }, { team: "payments", stage: "production" });
  await create("refunds", { RedrivePolicy: redrive("payments-dead", 1) }, { team: "payments" });
  await create("emails", { DelaySeconds: "30" }, { team: "growth" });
  await create("thumbnails", { VisibilityTimeout: "300", SqsManagedSseEnabled: "false" }, { team: "media" });
  await create("audit-log", { MessageRetentionPeriod: "1209600" });
  for (const region of ["webhooks", "search-index", "invoices", "notifications"]) await create(region, {}, { stage: "staging" });

  const order = (n) => JSON.stringify({ order: 9007199254740993 + n, customer: { id: n % 7, name: "김봉수", vip: n % 3 === 0 }, lines: [{ sku: `A-${n}`, quantity: 2, price: 19.9 }], note: null });
  await server.fill("orders.fifo", Array.from({ length: 240 }, (_, n) => order(n)), (n) => ({ MessageGroupId: `customer-${n % 7}` }));
  await server.fill("payments", Array.from({ length: 1_200 }, (_, n) => `{"payment":${n},"amount":"${(n * 1.25).toFixed(2)}","currency":"KRW"}`), (n) => ({
    MessageAttributes: { trace: { DataType: "String", StringValue: `t-${n}` }, attempt: { DataType: "Number.int", StringValue: String(n % 4) } },
  }));
  await server.fill("refunds", ["<refund><id>7</id><reason code=\"4\">damaged</reason><items><item sku=\"A-1\"/></items></refund>", "plain text, 그냥 글"]);
  await server.fill("emails", Array.from({ length: 30 }, (_, n) => `{"to":"user${n}@example.com","template":"welcome"}`));
  await server.fill("thumbnails", Array.from({ length: 400 }, (_, n) => `s3://pictures/${n}.jpg`));
  await deadLetters(server);
  await receive(server, "thumbnails", 40);
}

async function receive(server, QueueUrl, amount, VisibilityTimeout) {
  for (let got = 0; got < amount; ) {
    const answer = await server.sqs("ReceiveMessage", { QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 0, ...(VisibilityTimeout === undefined ? {} : { VisibilityTimeout }) });
    if (!answer.Messages) return;
    got += answer.Messages.length;
  }
}

/** Receives messages more often than their queues allow, so that they end where dead letters do. */
async function deadLetters(server) {
  for (let round = 0; round < 5; round += 1) {
    await receive(server, "refunds", 10, 0);
    await receive(server, "payments", 30, 0);
  }
  for (let n = 0; n < 6; n += 1) {
    await server.sqs("SendMessage", { QueueUrl: "orders-dead.fifo", MessageBody: `{"order":${n},"error":"address unknown"}`, MessageGroupId: "customer-3", MessageDeduplicationId: `d${n}` });
  }
}
