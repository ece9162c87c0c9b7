import type { MessageAttribute, MessageRow, Outgoing } from "../api/types";
import { parseJson, writeJson } from "./json";
import { fill } from "./template";

/** A message as it is being written, and the rules that AWS has for one. */

export interface AttributeDraft {
  name: string;
  /** `String`, `Number` or `Binary`, with an optional `.label`. */
  type: string;
  value: string;
}

export interface Draft {
  body: string;
  attributes: AttributeDraft[];
  groupId: string;
  deduplicationId: string;
  delay: string;
}

export const EMPTY_DRAFT: Draft = { body: "", attributes: [], groupId: "", deduplicationId: "", delay: "" };
export const MOST_ATTRIBUTES = 10;
export const MOST_BYTES = 1_048_576;
export const BATCH = 10;

export type DraftProblem =
  | "body-empty"
  | "body-characters"
  | "body-length"
  | "group-missing"
  | "group-characters"
  | "deduplication-missing"
  | "deduplication-characters"
  | "delay-range"
  | "attribute-name"
  | "attribute-twice"
  | "attribute-type"
  | "attribute-value"
  | "attribute-number"
  | "attribute-base64";

export type DraftProblems = Partial<Record<"body" | "groupId" | "deduplicationId" | "delay" | "attributes", DraftProblem>>;

// What XML 1.0 allows, which is what SQS takes. Lone surrogates are the gap between the two ranges.
const BODY = /^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u;
const ID = /^[A-Za-z0-9!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]{1,128}$/;
const ATTRIBUTE_NAME = /^(?!(?:aws|amazon)\.)(?!\.)(?!.*\.\.)(?!.*\.$)[A-Za-z0-9_.-]{1,256}$/i;
const ATTRIBUTE_TYPE = /^(String|Number|Binary)(\.[\x21-\x7e]{1,240})?$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export interface QueueRules {
  fifo: boolean;
  contentBased: boolean;
  maximumBytes: number;
  /** Nothing in the content is filled in: the message was sent before. */
  asWritten?: boolean;
}

export function draftProblems(draft: Draft, rules: QueueRules): DraftProblems {
  const found: DraftProblems = {};
  if (draft.body === "") found.body = "body-empty";
  else if (!BODY.test(draft.body)) found.body = "body-characters";
  else if (sizeOf(measured(draft, rules)) > rules.maximumBytes) found.body = "body-length";
  // Placeholders are filled later and may have spaces of their own.
  const filled = (text: string): string => fill(text, 1, 0, () => 0);
  const sample = rules.asWritten ? (text: string): string => text : filled;
  if (rules.fifo && draft.groupId === "") found.groupId = "group-missing";
  else if (draft.groupId !== "" && !ID.test(sample(draft.groupId))) found.groupId = "group-characters";
  if (rules.fifo && !rules.contentBased && draft.deduplicationId === "") found.deduplicationId = "deduplication-missing";
  else if (draft.deduplicationId !== "" && !ID.test(filled(draft.deduplicationId))) found.deduplicationId = "deduplication-characters";
  if (draft.delay !== "" && !(/^\d{1,3}$/.test(draft.delay) && Number(draft.delay) <= 900)) found.delay = "delay-range";
  const attributes = attributesProblem(draft.attributes, sample);
  if (attributes) found.attributes = attributes;
  return found;
}

function attributesProblem(rows: readonly AttributeDraft[], sample: (text: string) => string): DraftProblem | null {
  for (const { name, type, value } of rows) {
    if (!ATTRIBUTE_NAME.test(name)) return "attribute-name";
    if (!ATTRIBUTE_TYPE.test(type)) return "attribute-type";
    if (value === "") return "attribute-value";
    if (type.startsWith("Number") && !NUMBER.test(sample(value))) return "attribute-number";
    if (type.startsWith("Binary") && !BASE64.test(value)) return "attribute-base64";
  }
  return new Set(rows.map((row) => row.name)).size < rows.length ? "attribute-twice" : null;
}

/** The message number `n` of the draft, its placeholders filled. */
export function outgoing(draft: Draft, n: number, nowMs: number, body = draft.body): Outgoing {
  return build(draft, body, (text) => fill(text, n, nowMs), true);
}

/** The draft as it stands: braces in the content of a message that was sent before mean what they did then. */
export function resending(draft: Draft, nowMs: number): Outgoing {
  return build(draft, draft.body, (text) => fill(text, 1, nowMs), false);
}

/** The message whose size counts, before it is sent. */
export function measured(draft: Draft, rules: QueueRules): Outgoing {
  return rules.asWritten ? resending(draft, 0) : outgoing(draft, 1, 0);
}

function build(draft: Draft, body: string, filled: (text: string) => string, content: boolean): Outgoing {
  const inContent = (text: string): string => (content ? filled(text) : text);
  const message: Outgoing = { MessageBody: inContent(body) };
  if (draft.delay !== "") message.DelaySeconds = Number(draft.delay);
  if (draft.groupId !== "") message.MessageGroupId = inContent(draft.groupId);
  if (draft.deduplicationId !== "") message.MessageDeduplicationId = filled(draft.deduplicationId);
  if (draft.attributes.length > 0) {
    message.MessageAttributes = Object.fromEntries(
      draft.attributes.map(({ name, type, value }): [string, MessageAttribute] => [
        name,
        type.startsWith("Binary") ? { DataType: type, BinaryValue: value } : { DataType: type, StringValue: inContent(value) },
      ]),
    );
  }
  return message;
}

/** Bytes that count towards the limit: body, and each attribute's name, type and value. */
export function sizeOf(message: Outgoing): number {
  const length = (text: string): number => new TextEncoder().encode(text).length;
  let size = length(message.MessageBody);
  for (const [name, { DataType, StringValue, BinaryValue }] of Object.entries(message.MessageAttributes ?? {})) {
    size += length(name) + length(DataType) + (BinaryValue !== undefined ? Math.floor((BinaryValue.length * 3) / 4) : length(StringValue ?? ""));
  }
  return size;
}

/** Fills batches with as much as one may hold: ten messages, a mebibyte in all. */
export function* batches(messages: Iterable<Outgoing>): Generator<Outgoing[]> {
  let batch: Outgoing[] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = sizeOf(message);
    if (batch.length > 0 && (batch.length === BATCH || bytes + size > MOST_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(message);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/** A stored message to write anew. A FIFO queue would take its old deduplication id for a duplicate, so a new one is made. */
export function draftOf(message: MessageRow): Draft {
  const fifo = message.attributes["SequenceNumber"] !== undefined;
  return {
    body: message.body,
    attributes: Object.entries(message.messageAttributes).map(([name, one]) => ({
      name,
      type: one.DataType,
      value: one.BinaryValue ?? one.StringValue ?? "",
    })),
    groupId: message.attributes["MessageGroupId"] ?? "",
    deduplicationId: fifo ? "{{uuid}}" : "",
    delay: "",
  };
}

/** How a text's lines end: all of them with CRLF, or as fields of a page have them; null where it has one line only. */
export function lineEndOf(text: string): "\r\n" | "\n" | null {
  const ends = text.match(/\r\n|[\r\n]/g);
  if (!ends) return null;
  return ends.every((end) => end === "\r\n") ? "\r\n" : "\n";
}

export function withLineEnd(text: string, end: string): string {
  return text.replace(/\r\n?|\n/g, end);
}

export type FileSplit = "whole" | "lines" | "json";

/** The bodies that a file holds, by the way it is split; items of a JSON array that are strings are taken as they are. */
export function splitFile(text: string, split: FileSplit): string[] {
  if (split === "whole") return [text];
  if (split === "lines") return text.split(/\r?\n/).filter((line) => line !== "");
  const value = parseJson(text);
  if (value.kind !== "array") throw new SyntaxError("not an array");
  return value.items.map((item) => (item.kind === "string" ? item.value : writeJson(item, 0)));
}
