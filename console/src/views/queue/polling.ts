import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../../api/client";
import type { BatchOutcome, MessageRow, QueueDetail, ReceivedMessage } from "../../api/types";
import { count, duration, utf8Length } from "../../format";
import { messages } from "../../i18n";
import { toast, toastError } from "../../ui/toasts";

/** A message in our hands, until `untilMs`. */
export interface Held {
  row: MessageRow;
  handle: string;
  untilMs: number;
}

export interface PollPlan {
  seconds: number;
  most: number;
  /** Null: as the queue says. */
  visibilitySeconds: number | null;
}

export interface Polling {
  startedMs: number;
  endsMs: number;
  most: number;
  received: number;
}

const BATCH = 10;
const LONGEST_WAIT_SECONDS = 20;
const LONGEST_HOLD_SECONDS = 43_200;

export const visibilityOf = (queue: QueueDetail): number => Number(queue.attributes["VisibilityTimeout"] ?? 30);
/** By how much a message is held longer at a time. */
export const extensionOf = (queue: QueueDetail): number => Math.max(30, visibilityOf(queue));

export interface Receiver {
  held: Held[];
  polling: Polling | null;
  error: unknown;
  start: (plan: PollPlan) => Promise<void>;
  stop: () => void;
  /** Takes messages out of sight; the server is not told. */
  drop: (ids: ReadonlySet<string>) => void;
  remove: (some: Held[]) => Promise<void>;
  release: (some: Held[]) => Promise<void>;
  extend: (some: Held[]) => Promise<void>;
}

/** Receives messages and holds them; what it does to them, it does on the server first. */
export function useReceiver(queue: QueueDetail): Receiver {
  const [held, setHeld] = useState<Held[]>([]);
  const [polling, setPolling] = useState<Polling | null>(null);
  const [error, setError] = useState<unknown>(null);
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);

  const start = async (plan: PollPlan): Promise<void> => {
    const own = new AbortController();
    stop.current = own;
    setError(null);
    const now = Date.now();
    const polled: Polling = { startedMs: now, endsMs: now + plan.seconds * 1000, most: plan.most, received: 0 };
    setPolling(polled);
    try {
      await receiveUntil(queue.url, polled, plan.visibilitySeconds, own.signal, (found) => {
        const untilMs = Date.now() + (plan.visibilitySeconds ?? visibilityOf(queue)) * 1000;
        const fresh = found.map((message): Held => ({ row: rowOf(message), handle: message.ReceiptHandle, untilMs }));
        const ids = new Set(fresh.map((one) => one.row.id));
        // A message that came back is shown once, with its newest handle: older ones are void.
        setHeld((before) => [...before.filter((one) => !ids.has(one.row.id)), ...fresh]);
        setPolling((before) => before && { ...before, received: before.received + found.length });
      });
    } catch (failure) {
      if (!own.signal.aborted) setError(failure);
    }
    setPolling(null);
  };
  const drop = (ids: ReadonlySet<string>): void => setHeld((before) => before.filter((one) => !ids.has(one.row.id)));
  const extendHeld = (ids: ReadonlySet<string>, untilMs: (one: Held) => number): void =>
    setHeld((before) => before.map((one) => (ids.has(one.row.id) ? { ...one, untilMs: untilMs(one) } : one)));
  return { held, polling, error, start, stop: () => stop.current?.abort(), drop, ...operations(queue, drop, extendHeld) };
}

function operations(
  queue: QueueDetail,
  drop: (ids: ReadonlySet<string>) => void,
  extendHeld: (ids: ReadonlySet<string>, untilMs: (one: Held) => number) => void,
): Pick<Receiver, "remove" | "release" | "extend"> {
  const QueueUrl = queue.url;
  const change = (some: Held[], seconds: (one: Held) => number): Promise<ReadonlySet<string>> =>
    inBatches<{ VisibilityTimeout: number }>(
      some,
      (Entries) => api.sqs("ChangeMessageVisibilityBatch", { QueueUrl, Entries }),
      (one) => ({ VisibilityTimeout: seconds(one) }),
    );
  const tell = (done: ReadonlySet<string>, words: (amount: string) => string): void => {
    if (done.size > 0) toast({ tone: "success", text: words(count(done.size)) });
  };
  return {
    remove: async (some) => {
      const done = await inBatches(some, (Entries) => api.sqs("DeleteMessageBatch", { QueueUrl, Entries }), () => ({}));
      drop(done);
      tell(done, messages.value.poll.deleted);
    },
    release: async (some) => {
      const done = await change(some, () => 0);
      drop(done);
      tell(done, messages.value.poll.released);
    },
    extend: async (some) => {
      const now = Date.now();
      const extension = extensionOf(queue);
      // AWS counts from now: what is left has to be given again.
      const longer = (one: Held): number => Math.min(LONGEST_HOLD_SECONDS, Math.ceil(Math.max(0, one.untilMs - now) / 1000) + extension);
      const done = await change(some, longer);
      extendHeld(done, (one) => now + longer(one) * 1000);
      tell(done, (amount) => messages.value.poll.extended(amount, duration(extension * 1000)));
    },
  };
}

async function receiveUntil(
  url: string,
  plan: Polling,
  visibilitySeconds: number | null,
  stop: AbortSignal,
  deliver: (found: ReceivedMessage[]) => void,
): Promise<void> {
  let left = plan.most;
  for (;;) {
    const seconds = Math.floor((plan.endsMs - Date.now()) / 1000);
    if (left <= 0 || seconds < 0 || stop.aborted) return;
    const answer = await api.sqs(
      "ReceiveMessage",
      {
        QueueUrl: url,
        MaxNumberOfMessages: Math.min(BATCH, left),
        WaitTimeSeconds: Math.min(LONGEST_WAIT_SECONDS, seconds),
        ...(visibilitySeconds === null ? {} : { VisibilityTimeout: visibilitySeconds }),
        MessageSystemAttributeNames: ["All"],
        MessageAttributeNames: ["All"],
      },
      stop,
    );
    const found = answer.Messages ?? [];
    left -= found.length;
    if (found.length > 0) deliver(found);
    // A wait has whole seconds: in what is left of the last one the server would be asked without end.
    else if (plan.endsMs - Date.now() < 1_000) return;
  }
}

function rowOf(message: ReceivedMessage): MessageRow {
  return {
    sequence: "",
    id: message.MessageId,
    state: "in-flight",
    body: message.Body,
    bodyBytes: utf8Length(message.Body),
    truncated: false,
    md5OfBody: message.MD5OfBody,
    attributes: message.Attributes ?? {},
    messageAttributes: message.MessageAttributes ?? {},
    notShown: null,
  };
}

/** Runs a batch action over many; answers the ids with which it worked, and tells of the first with which it did not. */
async function inBatches<Extra extends object>(
  some: Held[],
  run: (entries: ({ Id: string; ReceiptHandle: string } & Extra)[]) => Promise<BatchOutcome>,
  extra: (one: Held) => Extra,
): Promise<ReadonlySet<string>> {
  const done = new Set<string>();
  try {
    for (let at = 0; at < some.length; at += BATCH) {
      const part = some.slice(at, at + BATCH);
      const answer = await run(part.map((one, index) => ({ Id: String(index), ReceiptHandle: one.handle, ...extra(one) })));
      for (const { Id } of answer.Successful ?? []) {
        const one = part[Number(Id)];
        if (one) done.add(one.row.id);
      }
      const failure = answer.Failed?.[0];
      if (failure) toast({ tone: "error", text: failure.Message ?? failure.Code, code: failure.Code });
    }
  } catch (error) {
    toastError(error);
  }
  return done;
}
