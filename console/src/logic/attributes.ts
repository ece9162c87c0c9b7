/** Queue attributes as the form knows them, the rules that AWS has for them, and what has to be sent to set them. */

import { JsonError, parseJson, tryJson, writeJson } from "./json";

export interface QueueForm {
  name: string;
  fifo: boolean;
  visibilityTimeout: string;
  delay: string;
  maximumMessageSize: string;
  retention: string;
  receiveWait: string;
  contentBasedDeduplication: boolean;
  deduplicationScope: "queue" | "messageGroup";
  fifoThroughputLimit: "perQueue" | "perMessageGroupId";
  deadLetterArn: string;
  maxReceiveCount: string;
  redrivePermission: "allowAll" | "denyAll" | "byQueue";
  redriveSources: string[];
  encryption: "sqs" | "kms" | "none";
  kmsKey: string;
  kmsReuse: string;
  policy: string;
  tags: [string, string][];
}

export const DEFAULTS: QueueForm = {
  name: "",
  fifo: false,
  visibilityTimeout: "30",
  delay: "0",
  maximumMessageSize: "1048576",
  retention: "345600",
  receiveWait: "0",
  contentBasedDeduplication: false,
  deduplicationScope: "queue",
  fifoThroughputLimit: "perQueue",
  deadLetterArn: "",
  maxReceiveCount: "10",
  redrivePermission: "allowAll",
  redriveSources: [],
  encryption: "sqs",
  kmsKey: "",
  kmsReuse: "300",
  policy: "",
  tags: [],
};

export const LIMITS = {
  visibilityTimeout: [0, 43_200],
  delay: [0, 900],
  maximumMessageSize: [1_024, 1_048_576],
  retention: [60, 1_209_600],
  receiveWait: [0, 20],
  maxReceiveCount: [1, 1_000],
  kmsReuse: [60, 86_400],
} as const satisfies Partial<Record<keyof QueueForm, readonly [number, number]>>;

export type NumericField = keyof typeof LIMITS;

export type Problem =
  | { kind: "range"; least: number; most: number }
  | { kind: "name-empty" }
  | { kind: "name-characters" }
  | { kind: "name-length" }
  | { kind: "arn" }
  | { kind: "dead-letter-type" }
  | { kind: "dead-letter-self" }
  | { kind: "throughput-scope" }
  | { kind: "sources-missing" }
  | { kind: "sources-many" }
  | { kind: "key-empty" }
  | { kind: "json"; line: number; column: number }
  | { kind: "policy-length" }
  | { kind: "policy-shape" }
  | { kind: "tags-many" }
  | { kind: "tag-key" }
  | { kind: "tag-value" }
  | { kind: "tag-twice" };

export type Problems = Partial<Record<keyof QueueForm, Problem>>;

const POLICY_BYTES = 8_192;
const SQS_ARN = /^arn:[\w-]+:sqs:[\w-]+:\d{12}:[A-Za-z0-9_-]{1,80}(\.fifo)?$/;
const FIFO_SUFFIX = ".fifo";
export const NAME_LENGTH = 80;

/** The name as it is created: FIFO names end in `.fifo`, which nobody has to type. */
export function fullName(form: Pick<QueueForm, "name" | "fifo">): string {
  return form.fifo && !form.name.endsWith(FIFO_SUFFIX) ? form.name + FIFO_SUFFIX : form.name;
}

/** Everything that is wrong with the form, by field. */
export function problems(form: QueueForm, ownArn: string | null): Problems {
  const found: Problems = {};
  for (const [field, [least, most]] of Object.entries(LIMITS) as [NumericField, readonly [number, number]][]) {
    if (field === "maxReceiveCount" && form.deadLetterArn === "") continue;
    if (field === "kmsReuse" && form.encryption !== "kms") continue;
    if (!inRange(form[field], least, most)) found[field] = { kind: "range", least, most };
  }
  const name = nameProblem(form);
  if (name && ownArn === null) found.name = name;
  if (form.deadLetterArn !== "") {
    if (!SQS_ARN.test(form.deadLetterArn)) found.deadLetterArn = { kind: "arn" };
    else if (form.deadLetterArn === ownArn) found.deadLetterArn = { kind: "dead-letter-self" };
    else if (form.deadLetterArn.endsWith(FIFO_SUFFIX) !== form.fifo) found.deadLetterArn = { kind: "dead-letter-type" };
  }
  if (form.fifo && form.fifoThroughputLimit === "perMessageGroupId" && form.deduplicationScope !== "messageGroup") {
    found.fifoThroughputLimit = { kind: "throughput-scope" };
  }
  if (form.redrivePermission === "byQueue") {
    if (form.redriveSources.length === 0) found.redriveSources = { kind: "sources-missing" };
    else if (form.redriveSources.length > 10) found.redriveSources = { kind: "sources-many" };
    else if (!form.redriveSources.every((arn) => SQS_ARN.test(arn))) found.redriveSources = { kind: "arn" };
  }
  if (form.encryption === "kms" && form.kmsKey.trim() === "") found.kmsKey = { kind: "key-empty" };
  const policy = policyProblem(form.policy);
  if (policy) found.policy = policy;
  const tags = tagProblem(form.tags);
  if (tags) found.tags = tags;
  return found;
}

function inRange(text: string, least: number, most: number): boolean {
  return /^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most;
}

function nameProblem(form: QueueForm): Problem | null {
  const base = form.name.endsWith(FIFO_SUFFIX) && form.fifo ? form.name.slice(0, -FIFO_SUFFIX.length) : form.name;
  if (base === "") return { kind: "name-empty" };
  if (!/^[A-Za-z0-9_-]+$/.test(base)) return { kind: "name-characters" };
  return fullName(form).length > NAME_LENGTH ? { kind: "name-length" } : null;
}

export function policyProblem(text: string): Problem | null {
  if (text.trim() === "") return null;
  if (new TextEncoder().encode(text).length > POLICY_BYTES) return { kind: "policy-length" };
  try {
    const value = parseJson(text);
    const whole = value.kind === "object" && value.entries.some(([key]) => key === "Statement");
    return whole ? null : { kind: "policy-shape" };
  } catch (error) {
    return error instanceof JsonError ? { kind: "json", line: error.line, column: error.column } : { kind: "policy-shape" };
  }
}

export function tagProblem(tags: readonly (readonly [string, string])[]): Problem | null {
  if (tags.length > 50) return { kind: "tags-many" };
  if (tags.some(([key]) => key === "" || key.length > 128)) return { kind: "tag-key" };
  if (tags.some(([, value]) => value.length > 256)) return { kind: "tag-value" };
  return new Set(tags.map(([key]) => key)).size < tags.length ? { kind: "tag-twice" } : null;
}

/**
 * The attributes that make a queue what the form says. Without `before` those that differ from AWS's defaults; with it
 * (a queue that is there already) those that differ from what the queue has, where an empty text removes one.
 */
export function attributesOf(form: QueueForm, before?: QueueForm): Record<string, string> {
  const now = every(form);
  const then = every(before ?? { ...DEFAULTS, fifo: form.fifo });
  const changed: Record<string, string> = {};
  for (const [name, value] of Object.entries(now)) {
    if (value !== (then[name] ?? "")) changed[name] = value;
  }
  if (before) {
    for (const name of Object.keys(then)) {
      const removable = name === "Policy" || name === "RedrivePolicy" || name === "RedriveAllowPolicy" || name === "KmsMasterKeyId";
      if (now[name] === undefined && removable && then[name] !== "") changed[name] = "";
    }
    // Both kinds of encryption at once are refused, so that leaving a key means naming only what comes instead.
    if (changed["KmsMasterKeyId"] === "" && changed["SqsManagedSseEnabled"] === "true") delete changed["KmsMasterKeyId"];
  } else if (form.fifo) changed["FifoQueue"] = "true";
  return changed;
}

function every(form: QueueForm): Record<string, string> {
  const all: Record<string, string> = {
    VisibilityTimeout: form.visibilityTimeout,
    DelaySeconds: form.delay,
    MaximumMessageSize: form.maximumMessageSize,
    MessageRetentionPeriod: form.retention,
    ReceiveMessageWaitTimeSeconds: form.receiveWait,
  };
  if (form.fifo) {
    all["ContentBasedDeduplication"] = String(form.contentBasedDeduplication);
    all["DeduplicationScope"] = form.deduplicationScope;
    all["FifoThroughputLimit"] = form.fifoThroughputLimit;
  }
  if (form.deadLetterArn !== "") {
    all["RedrivePolicy"] = JSON.stringify({
      deadLetterTargetArn: form.deadLetterArn,
      maxReceiveCount: Number(form.maxReceiveCount),
    });
  }
  if (form.redrivePermission !== "allowAll") {
    all["RedriveAllowPolicy"] = JSON.stringify(
      form.redrivePermission === "denyAll"
        ? { redrivePermission: "denyAll" }
        : { redrivePermission: "byQueue", sourceQueueArns: form.redriveSources },
    );
  }
  if (form.encryption === "kms") {
    all["KmsMasterKeyId"] = form.kmsKey.trim();
    all["KmsDataKeyReusePeriodSeconds"] = form.kmsReuse;
  } else all["SqsManagedSseEnabled"] = String(form.encryption === "sqs");
  if (form.policy.trim() !== "") all["Policy"] = form.policy.trim();
  return all;
}

/** Reads the form back from a queue's attributes. */
export function formOf(name: string, attributes: Record<string, string>, tags: Record<string, string>): QueueForm {
  const redrive = asObject(attributes["RedrivePolicy"]);
  const allow = asObject(attributes["RedriveAllowPolicy"]);
  const permission = allow["redrivePermission"];
  const kms = attributes["KmsMasterKeyId"] ?? "";
  return {
    name,
    fifo: attributes["FifoQueue"] === "true",
    visibilityTimeout: attributes["VisibilityTimeout"] ?? DEFAULTS.visibilityTimeout,
    delay: attributes["DelaySeconds"] ?? DEFAULTS.delay,
    maximumMessageSize: attributes["MaximumMessageSize"] ?? DEFAULTS.maximumMessageSize,
    retention: attributes["MessageRetentionPeriod"] ?? DEFAULTS.retention,
    receiveWait: attributes["ReceiveMessageWaitTimeSeconds"] ?? DEFAULTS.receiveWait,
    contentBasedDeduplication: attributes["ContentBasedDeduplication"] === "true",
    deduplicationScope: attributes["DeduplicationScope"] === "messageGroup" ? "messageGroup" : "queue",
    fifoThroughputLimit: attributes["FifoThroughputLimit"] === "perMessageGroupId" ? "perMessageGroupId" : "perQueue",
    deadLetterArn: String(redrive["deadLetterTargetArn"] ?? ""),
    maxReceiveCount: String(redrive["maxReceiveCount"] ?? DEFAULTS.maxReceiveCount),
    redrivePermission: permission === "denyAll" || permission === "byQueue" ? permission : "allowAll",
    redriveSources: Array.isArray(allow["sourceQueueArns"]) ? allow["sourceQueueArns"].map(String) : [],
    encryption: kms !== "" ? "kms" : attributes["SqsManagedSseEnabled"] === "false" ? "none" : "sqs",
    kmsKey: kms,
    kmsReuse: attributes["KmsDataKeyReusePeriodSeconds"] ?? DEFAULTS.kmsReuse,
    policy: prettyPolicy(attributes["Policy"] ?? ""),
    tags: Object.entries(tags),
  };
}

/** A policy over lines, as people read it; what is no JSON stays as it is. */
export function prettyPolicy(text: string): string {
  const value = text === "" ? null : tryJson(text);
  return value ? writeJson(value) : text;
}

function asObject(text: string | undefined): Record<string, unknown> {
  if (!text) return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
