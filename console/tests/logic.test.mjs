// The parts that think and don't draw: rules of attributes and messages, code for other tools, JSON and XML kept exact.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { runInNewContext } from "node:vm";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { createServer } from "vite";

let vite;
let attributes, copyAs, draft, json, hex, template, events, i18n;
before(async () => {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  vite = await createServer({ root, configFile: false, logLevel: "error", server: { middlewareMode: true, ws: false }, appType: "custom", optimizeDeps: { noDiscovery: true } });
  const load = (name) => vite.ssrLoadModule(`/src/${name}.ts`);
  [attributes, copyAs, draft, json, hex, template] = await Promise.all(["attributes", "copy-as", "draft", "json", "hex", "template"].map((name) => load(`logic/${name}`)));
  i18n = [(await load("i18n/en")).en, (await load("i18n/ko")).ko];
  events = (await load("api/event-parser")).eventParser;
});
after(() => vite?.close());

const form = (more) => ({ ...attributes.DEFAULTS, name: "queue", ...more });
const ARN = "arn:aws:sqs:us-east-1:000000000000:dead";

test("each attribute's range and rule", () => {
  const cases = [
    [{}, {}],
    [{ visibilityTimeout: "43200" }, {}],
    [{ visibilityTimeout: "43201" }, { visibilityTimeout: "range" }],
    [{ visibilityTimeout: "" }, { visibilityTimeout: "range" }],
    [{ visibilityTimeout: "1.5" }, { visibilityTimeout: "range" }],
    [{ delay: "901" }, { delay: "range" }],
    [{ maximumMessageSize: "1023" }, { maximumMessageSize: "range" }],
    [{ retention: "59" }, { retention: "range" }],
    [{ receiveWait: "21" }, { receiveWait: "range" }],
    [{ name: "" }, { name: "name-empty" }],
    [{ name: "a.b" }, { name: "name-characters" }],
    [{ name: "이름" }, { name: "name-characters" }],
    [{ name: "a".repeat(80) }, {}],
    [{ name: "a".repeat(81) }, { name: "name-length" }],
    [{ name: "a".repeat(76), fifo: true }, { name: "name-length" }],
    [{ name: "a".repeat(75), fifo: true }, {}],
    [{ name: "a.fifo", fifo: true }, {}],
    [{ name: "a.fifo" }, { name: "name-characters" }],
    [{ deadLetterArn: ARN }, {}],
    [{ deadLetterArn: ARN, fifo: true }, { deadLetterArn: "dead-letter-type" }],
    [{ deadLetterArn: `${ARN}.fifo` }, { deadLetterArn: "dead-letter-type" }],
    [{ deadLetterArn: "dead" }, { deadLetterArn: "arn" }],
    [{ deadLetterArn: ARN, maxReceiveCount: "0" }, { maxReceiveCount: "range" }],
    [{ maxReceiveCount: "0" }, {}],
    [{ fifo: true, fifoThroughputLimit: "perMessageGroupId" }, { fifoThroughputLimit: "throughput-scope" }],
    [{ redrivePermission: "byQueue" }, { redriveSources: "sources-missing" }],
    [{ redrivePermission: "byQueue", redriveSources: Array(11).fill(ARN) }, { redriveSources: "sources-many" }],
    [{ encryption: "kms" }, { kmsKey: "key-empty" }],
    [{ encryption: "kms", kmsKey: "alias/a", kmsReuse: "59" }, { kmsReuse: "range" }],
    [{ policy: "{" }, { policy: "json" }],
    [{ policy: "[]" }, { policy: "policy-shape" }],
    [{ policy: `{"Statement":"${"x".repeat(8192)}"}` }, { policy: "policy-length" }],
    [{ tags: [["", "x"]] }, { tags: "tag-key" }],
    [{ tags: [["a", "1"], ["a", "2"]] }, { tags: "tag-twice" }],
  ];
  for (const [more, wanted] of cases) {
    const found = attributes.problems(form(more), null);
    assert.deepEqual(Object.fromEntries(Object.entries(found).map(([field, { kind }]) => [field, kind])), wanted, JSON.stringify(more).slice(0, 80));
  }
  assert.equal(attributes.problems(form({ deadLetterArn: ARN }), ARN).deadLetterArn.kind, "dead-letter-self");
});

test("only what differs is sent, and what was removed is emptied", () => {
  assert.deepEqual(attributes.attributesOf(form({})), {});
  assert.deepEqual(attributes.attributesOf(form({ fifo: true, delay: "5" })), { DelaySeconds: "5", FifoQueue: "true" });
  const before = form({ deadLetterArn: ARN, policy: '{"Statement":[]}', encryption: "kms", kmsKey: "alias/a", redrivePermission: "denyAll" });
  assert.deepEqual(attributes.attributesOf(before, before), {});
  const after = attributes.attributesOf(form({}), before);
  assert.deepEqual(after, { Policy: "", RedrivePolicy: "", RedriveAllowPolicy: "", SqsManagedSseEnabled: "true" });
  const none = attributes.attributesOf(form({ encryption: "none" }), form({ encryption: "kms", kmsKey: "k" }));
  assert.deepEqual(none, { KmsMasterKeyId: "", SqsManagedSseEnabled: "false" });
});

test("a queue's attributes come back as the form that made them", () => {
  const made = form({ name: "a.fifo", fifo: true, deadLetterArn: `${ARN}.fifo`, maxReceiveCount: "7", deduplicationScope: "messageGroup", fifoThroughputLimit: "perMessageGroupId", contentBasedDeduplication: true, encryption: "none", redrivePermission: "byQueue", redriveSources: [ARN], tags: [["a", "b"]] });
  const sent = { ...attributes.attributesOf(made), ...Object.fromEntries([["VisibilityTimeout", "30"]]) };
  assert.deepEqual(attributes.formOf("a.fifo", sent, { a: "b" }), made);
});

test("commands survive the shell, Python and Terraform's templates", () => {
  const spec = { name: "it's", attributes: { Policy: '{"a":"$HOME `x` \\" ${var.x}"}' }, tags: { owner: "O'Brien & 김" }, region: "us-east-1", endpoint: "http://127.0.0.1:9324" };
  const cli = copyAs.copyAs("cli", spec);
  const script = cli.replace("aws sqs create-queue", "printf '%s\\n'");
  const printed = execFileSync("sh", ["-c", script], { encoding: "utf8" }).split("\n");
  assert.equal(printed[printed.indexOf("--queue-name") + 1], "it's");
  assert.equal(printed[printed.indexOf("--attributes") + 1], JSON.stringify(spec.attributes));
  assert.equal(printed[printed.indexOf("--tags") + 1], JSON.stringify(spec.tags));
  const python = copyAs.copyAs("boto3", spec);
  const dictionary = /create_queue\(([\s\S]*)\)\["QueueUrl"\]/.exec(python)[1];
  const shown = execFileSync("python3", ["-c", `import json\nprint(json.dumps(dict(${dictionary})))`], { encoding: "utf8" });
  assert.deepEqual(JSON.parse(shown), { QueueName: "it's", Attributes: spec.attributes, tags: spec.tags });
  assert.match(copyAs.copyAs("terraform", spec), /\$\$\{var\.x\}/);
  assert.equal(copyAs.hclString("%{if}${x}"), '"%%{if}$${x}"');
});

test("JSON is laid out without changing it", () => {
  for (const text of ["{}", "[]", '{"a":[1,2.50,1e400,-0],"a":null,"b":{"c":"\\u0041\\n"}}', "12345678901234567890", '"한\\"글"', "true"]) {
    const value = json.parseJson(text);
    const again = json.parseJson(json.writeJson(value, 2));
    assert.deepEqual(again, value);
  }
  assert.equal(json.writeJson(json.parseJson('{ "id" : 12345678901234567890 , "x" : 1.0 }'), 0), '{"id":12345678901234567890,"x":1.0}');
  const refused = [["{", "unexpected-end", 1, 2], ['{"a":\n  01}', "bad-number", 2, 4], ["[1,]", "unexpected", 1, 4], ['{"a" 1}', "unexpected", 1, 6], ['"a', "bad-string", 1, 3], ["[] x", "trailing", 1, 4], ["[".repeat(500), "too-deep", 1, 402]];
  for (const [text, problem, line, column] of refused) {
    assert.throws(() => json.parseJson(text), (error) => error.problem === problem && error.line === line && error.column === column, text.slice(0, 20));
  }
  // The same judgement as the browser's own reader, on whatever comes out of mixing pieces.
  const pieces = ["{", "}", "[", "]", ",", ":", '"a"', "1", "-", "0", ".5", "e3", "true", "null", " ", "\n", '"\\u12"', '"\\n"'];
  let state = 7;
  const next = (limit) => (state = (state * 48271) % 2147483647) % limit;
  for (let round = 0; round < 20_000; round += 1) {
    const text = Array.from({ length: next(9) }, () => pieces[next(pieces.length)]).join("");
    let expected = true;
    try {
      JSON.parse(text);
    } catch {
      expected = false;
    }
    assert.equal(json.tryJson(text) !== null, expected, JSON.stringify(text));
  }
});

test("placeholders are filled, other braces are not", () => {
  const fill = (text) => template.fill(text, 3, 0, () => 0.5);
  assert.equal(fill("{{n}} {{ n0 }} {{now}} {{ms}} {{random}}"), "3 2 1970-01-01T00:00:00.000Z 0 500000");
  assert.equal(fill("{{pick a|b|c}}"), "b");
  assert.equal(fill("{{name}} {n} {{}} {{ n"), "{{name}} {n} {{}} {{ n");
  assert.match(template.fill("{{uuid}}", 1, 0), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("a text full of beginnings of placeholders costs no more than its length", () => {
  const nasty = [`{{a${" ".repeat(100_000)}`, `{{a${" ".repeat(2_000)}`.repeat(50), "{{".repeat(50_000), `{{${"a".repeat(100_000)}`, "{{a ".repeat(25_000)];
  for (const text of nasty) {
    // The limit ends a search that is under way, which a clock looked at afterwards would not.
    const within = (work) => runInNewContext("work()", { work }, { timeout: 2_000 });
    assert.equal(within(() => template.fill(text, 1, 0)), text);
    assert.equal(within(() => template.withDigits(text)), text);
  }
  assert.equal(template.withDigits('{"a": {{ pick 1|2 }}}'), `{"a": ${"1".repeat(14)}}`);
});

test("line ends are kept where all are the same", () => {
  assert.deepEqual(["a", "a\r\nb\r\n", "a\nb", "a\r\nb\n", "a\rb"].map(draft.lineEndOf), [null, "\r\n", "\n", "\n", "\n"]);
  assert.equal(draft.withLineEnd("a\nb\n", "\r\n"), "a\r\nb\r\n");
  assert.equal(draft.withLineEnd("a\r\nb\rc\n", "\n"), "a\nb\nc\n");
});

test("what a message may be", () => {
  const standard = { fifo: false, contentBased: false, maximumBytes: 1024 };
  const fifo = { ...standard, fifo: true };
  const make = (more) => ({ ...draft.EMPTY_DRAFT, body: "x", ...more });
  const attribute = (name, type = "String", value = "v") => ({ attributes: [{ name, type, value }] });
  const cases = [
    [{}, standard, {}],
    [{ body: "" }, standard, { body: "body-empty" }],
    [{ body: "\u0000" }, standard, { body: "body-characters" }],
    [{ body: "\ud800" }, standard, { body: "body-characters" }],
    [{ body: "😀\t\n\r" }, standard, {}],
    [{ body: "가".repeat(342) }, standard, { body: "body-length" }],
    [{ body: "가".repeat(341) }, standard, {}],
    [{}, fifo, { groupId: "group-missing", deduplicationId: "deduplication-missing" }],
    [{ groupId: "g", deduplicationId: "{{uuid}}" }, fifo, {}],
    [{ groupId: "g g", deduplicationId: "d" }, fifo, { groupId: "group-characters" }],
    [{ groupId: "g" }, { ...fifo, contentBased: true }, {}],
    [{ delay: "901" }, standard, { delay: "delay-range" }],
    [attribute("a.b-c_1"), standard, {}],
    [attribute("AWS.x"), standard, { attributes: "attribute-name" }],
    [attribute("amazon.x"), standard, { attributes: "attribute-name" }],
    [attribute("a..b"), standard, { attributes: "attribute-name" }],
    [attribute(".a"), standard, { attributes: "attribute-name" }],
    [attribute("a."), standard, { attributes: "attribute-name" }],
    [attribute("a", "Number.int", "1e3"), standard, {}],
    [attribute("a", "Number", "one"), standard, { attributes: "attribute-number" }],
    [attribute("a", "Binary", "AAE="), standard, {}],
    [attribute("a", "Binary", "AAE"), standard, { attributes: "attribute-base64" }],
    [attribute("a", "Text"), standard, { attributes: "attribute-type" }],
    [{ attributes: [attribute("a").attributes[0], attribute("a").attributes[0]] }, standard, { attributes: "attribute-twice" }],
  ];
  for (const [more, rules, wanted] of cases) assert.deepEqual(draft.draftProblems(make(more), rules), wanted, JSON.stringify(more).slice(0, 80));
});

test("batches hold ten messages or a mebibyte", () => {
  const sizes = (bodies) => [...draft.batches(bodies.map((MessageBody) => ({ MessageBody })))].map((batch) => batch.length);
  assert.deepEqual(sizes(Array(25).fill("x")), [10, 10, 5]);
  assert.deepEqual(sizes(Array(5).fill("x".repeat(400_000))), [2, 2, 1]);
  assert.deepEqual(sizes([]), []);
});

test("a dead letter is sent again as it was, braces and all", () => {
  const row = { body: '{"t":"{{n}}"}', attributes: { MessageGroupId: "g{{n}}", SequenceNumber: "1" }, messageAttributes: { a: { DataType: "String", StringValue: "{{n}}" } } };
  const sent = draft.resending(draft.draftOf(row), 0);
  assert.equal(sent.MessageBody, row.body);
  const rules = { fifo: true, contentBased: false, maximumBytes: 12, asWritten: true };
  assert.deepEqual(draft.draftProblems(draft.draftOf({ ...row, messageAttributes: {} }), { ...rules, maximumBytes: 11 }), { body: "body-length" });
  assert.deepEqual(draft.draftProblems(draft.draftOf({ ...row, messageAttributes: {} }), { ...rules, maximumBytes: row.body.length }), {});
  assert.equal(sent.MessageAttributes.a.StringValue, "{{n}}");
  assert.equal(sent.MessageGroupId, "g{{n}}");
  assert.match(sent.MessageDeduplicationId, /^[0-9a-f-]{36}$/);
});

test("files are split", () => {
  assert.deepEqual(draft.splitFile("a\r\n\nb\n", "lines"), ["a", "b"]);
  assert.deepEqual(draft.splitFile('["a", {"b": 1.0}]', "json"), ["a", '{"b":1.0}']);
  assert.throws(() => draft.splitFile("{}", "json"));
});

test("hex lines", () => {
  const bytes = new TextEncoder().encode("Hello, 봉수!\u0000 and more");
  const lines = hex.hexLines(bytes, 0, 10);
  assert.equal(lines[0], "00000000  48 65 6c 6c 6f 2c 20 eb  b4 89 ec 88 98 21 00 20  Hello, ······!· ");
  assert.equal(lines.length, 2);
  assert.deepEqual(hex.fromBase64(hex.toBase64(bytes)), bytes);
});

test("events are put together from whatever pieces arrive", () => {
  const text = ': comment\n\nevent: overview\ndata: {"a":1}\n\nevent: rows\r\ndata: x\r\ndata: y\r\n\r\ndata: z\n\n';
  for (const size of [1, 2, 3, 7, 1000]) {
    const heard = [];
    const parse = events((event, data) => heard.push([event, data]));
    for (let at = 0; at < text.length; at += size) parse(text.slice(at, at + size));
    assert.deepEqual(heard, [["overview", '{"a":1}'], ["rows", "x\ny"], ["message", "z"]]);
  }
});

test("the two languages have the same texts, and none is empty or left in English", () => {
  const same = new Set();
  const compare = (left, right, path) => {
    assert.deepEqual(Object.keys(left).sort(), Object.keys(right).sort(), path);
    for (const key of Object.keys(left)) {
      if (typeof left[key] === "object") compare(left[key], right[key], `${path}.${key}`);
      else if (typeof left[key] === "function") assert.notEqual(right[key]("1", "2", "3"), "", `${path}.${key}`);
      else {
        assert.notEqual(right[key], "", `${path}.${key}`);
        if (left[key] === right[key]) same.add(left[key]);
      }
    }
  };
  compare(i18n[0], i18n[1], "");
  assert.deepEqual([...same].sort(), ["DLQ", "FIFO", "p50", "p99"]);
});
