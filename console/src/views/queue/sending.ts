import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../../api/client";
import type { Outgoing, QueueDetail } from "../../api/types";
import { explain } from "../../i18n/errors";
import { batches } from "../../logic/draft";

/** Batches under way at a time on a standard queue; a FIFO queue's go one by one, as their order counts. */
const PARALLEL = 4;

/** How far a sending of many messages has come. */
export interface Sending {
  total: number;
  sent: number;
  failed: number;
  /** What was refused, each kind once. */
  errors: Map<string, string>;
  lastId: string | null;
  startedMs: number;
  endedMs: number | null;
}

export interface Sender {
  sending: Sending | null;
  busy: boolean;
  /** What stopped all of it, other than refusals of single messages. */
  error: unknown;
  send: (all: Iterable<Outgoing>, total: number) => Promise<void>;
  stop: () => void;
}

export function useSender(queue: QueueDetail): Sender {
  const [sending, setSending] = useState<Sending | null>(null);
  const [error, setError] = useState<unknown>(null);
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);
  const send = async (all: Iterable<Outgoing>, total: number): Promise<void> => {
    setError(null);
    stop.current = new AbortController();
    try {
      await sendAll(queue, all, total, stop.current.signal, setSending);
    } catch (failure) {
      if (!stop.current.signal.aborted) setError(failure);
    }
    setSending((now) => now && { ...now, endedMs: Date.now() });
  };
  return { sending, busy: sending !== null && sending.endedMs === null, error, send, stop: () => stop.current?.abort() };
}

async function sendAll(
  queue: QueueDetail,
  all: Iterable<Outgoing>,
  total: number,
  stop: AbortSignal,
  report: (sending: Sending) => void,
): Promise<void> {
  const state: Sending = { total, sent: 0, failed: 0, errors: new Map(), lastId: null, startedMs: Date.now(), endedMs: null };
  report({ ...state });
  if (total === 1) {
    for (const message of all) {
      const answer = await api.sqs("SendMessage", { QueueUrl: queue.url, ...message }, stop);
      report({ ...state, sent: 1, lastId: answer.MessageId });
    }
    return;
  }
  const work = batches(all);
  const worker = async (): Promise<void> => {
    for (let next = work.next(); !next.done && !stop.aborted; next = work.next()) {
      await sendBatch(queue, next.value, state, stop);
      report({ ...state });
    }
  };
  await Promise.all(Array.from({ length: queue.fifo ? 1 : PARALLEL }, worker));
}

async function sendBatch(queue: QueueDetail, batch: Outgoing[], state: Sending, stop: AbortSignal): Promise<void> {
  try {
    const Entries = batch.map((message, index) => ({ Id: String(index), ...message }));
    const answer = await api.sqs("SendMessageBatch", { QueueUrl: queue.url, Entries }, stop);
    state.sent += answer.Successful?.length ?? 0;
    state.failed += answer.Failed?.length ?? 0;
    for (const failure of answer.Failed ?? []) state.errors.set(failure.Code, failure.Message ?? failure.Code);
    state.lastId = answer.Successful?.at(-1)?.MessageId ?? state.lastId;
  } catch (error) {
    if (stop.aborted) return;
    const { code, text, detail } = explain(error);
    state.failed += batch.length;
    state.errors.set(code, detail ?? text);
  }
}
