/** The same queue in the words of other tools, so that what was tried here can be kept in code. */

export interface QueueSpec {
  name: string;
  attributes: Record<string, string>;
  tags: Record<string, string>;
  region: string;
  endpoint: string;
}

export type CopyTarget = "cli" | "terraform" | "boto3";

export function copyAs(target: CopyTarget, spec: QueueSpec): string {
  if (target === "cli") return cli(spec);
  return target === "terraform" ? terraform(spec) : boto3(spec);
}

/** For a POSIX shell: between single quotes nothing means anything but the quote itself. */
export function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function cli({ name, attributes, tags, region, endpoint }: QueueSpec): string {
  const parts = [
    "aws sqs create-queue",
    `--endpoint-url ${shellQuote(endpoint)}`,
    `--region ${shellQuote(region)}`,
    `--queue-name ${shellQuote(name)}`,
  ];
  if (Object.keys(attributes).length > 0) parts.push(`--attributes ${shellQuote(JSON.stringify(attributes))}`);
  if (Object.keys(tags).length > 0) parts.push(`--tags ${shellQuote(JSON.stringify(tags))}`);
  return `${parts.join(" \\\n  ")}\n`;
}

function pythonString(text: string): string {
  // JSON's escapes are all Python's too, surrogate pairs apart, which stay as characters here.
  return JSON.stringify(text);
}

function boto3({ name, attributes, tags, region, endpoint }: QueueSpec): string {
  const dictionary = (entries: Record<string, string>): string => {
    const lines = Object.entries(entries).map(([key, value]) => `        ${pythonString(key)}: ${pythonString(value)},\n`);
    return `{\n${lines.join("")}    }`;
  };
  const parameters = [`    QueueName=${pythonString(name)},\n`];
  if (Object.keys(attributes).length > 0) parameters.push(`    Attributes=${dictionary(attributes)},\n`);
  if (Object.keys(tags).length > 0) parameters.push(`    tags=${dictionary(tags)},\n`);
  return `import boto3

sqs = boto3.client("sqs", endpoint_url=${pythonString(endpoint)}, region_name=${pythonString(region)})
queue_url = sqs.create_queue(
${parameters.join("")})["QueueUrl"]
`;
}

const NUMBERS: Record<string, string> = {
  VisibilityTimeout: "visibility_timeout_seconds",
  DelaySeconds: "delay_seconds",
  MaximumMessageSize: "max_message_size",
  MessageRetentionPeriod: "message_retention_seconds",
  ReceiveMessageWaitTimeSeconds: "receive_wait_time_seconds",
  KmsDataKeyReusePeriodSeconds: "kms_data_key_reuse_period_seconds",
};
const BOOLEANS: Record<string, string> = {
  FifoQueue: "fifo_queue",
  ContentBasedDeduplication: "content_based_deduplication",
  SqsManagedSseEnabled: "sqs_managed_sse_enabled",
};
const STRINGS: Record<string, string> = {
  DeduplicationScope: "deduplication_scope",
  FifoThroughputLimit: "fifo_throughput_limit",
  KmsMasterKeyId: "kms_master_key_id",
};
const DOCUMENTS: Record<string, string> = {
  Policy: "policy",
  RedrivePolicy: "redrive_policy",
  RedriveAllowPolicy: "redrive_allow_policy",
};

/** HCL has JSON's strings, but `${` and `%{` begin a template. */
export function hclString(text: string): string {
  return JSON.stringify(text).replace(/[$%](?=\{)/g, (sign) => sign + sign);
}

function hclValue(value: unknown, margin: string): string {
  if (typeof value === "string") return hclString(value);
  if (value === null || typeof value !== "object") return String(value);
  const deeper = `${margin}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    return `[\n${value.map((item) => `${deeper}${hclValue(item, deeper)},\n`).join("")}${margin}]`;
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return "{}";
  const key = (name: string): string => (/^[A-Za-z_]\w*$/.test(name) ? name : hclString(name));
  return `{\n${entries.map(([name, item]) => `${deeper}${key(name)} = ${hclValue(item, deeper)}\n`).join("")}${margin}}`;
}

function document(text: string): string {
  try {
    return `jsonencode(${hclValue(JSON.parse(text), "  ")})`;
  } catch {
    return hclString(text);
  }
}

function terraform({ name, attributes, tags, region, endpoint }: QueueSpec): string {
  const label = /^[A-Za-z_]/.test(name) ? name : `queue_${name}`;
  const rows: [string, string][] = [["name", hclString(name)]];
  for (const [attribute, value] of Object.entries(attributes)) {
    const number = NUMBERS[attribute];
    const boolean = BOOLEANS[attribute];
    const string = STRINGS[attribute];
    const whole = DOCUMENTS[attribute];
    if (number) rows.push([number, value]);
    else if (boolean) rows.push([boolean, value]);
    else if (string) rows.push([string, hclString(value)]);
    else if (whole) rows.push([whole, document(value)]);
  }
  // The provider's own default is lower than what SQS gives a queue that says nothing.
  if (!("MaximumMessageSize" in attributes)) rows.push(["max_message_size", "1048576"]);
  if (Object.keys(tags).length > 0) rows.push(["tags", hclValue(tags, "  ")]);
  const width = Math.max(...rows.map(([key]) => key.length));
  const lines = rows.map(([key, value]) => `  ${key.padEnd(width)} = ${value}\n`).join("");
  return `provider "aws" {
  region                      = ${hclString(region)}
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true

  endpoints {
    sqs = ${hclString(endpoint)}
  }
}

resource "aws_sqs_queue" ${hclString(label.replaceAll(".", "_"))} {
${lines}}
`;
}
