import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, api } from "../../api/client";
import type { Outgoing, QueueDetail } from "../../api/types";
import { explain } from "../../i18n/errors";
import { batches } from "../../logic/draft";

/** Batches under way at a time on a standard queue; a FIFO queue's go one by one, as their order counts. */
const PARALLEL = 4;
const MOST_RETRIES = 5;
const FIRST_PAUSE_MS = 200;

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
  /** It ended before all were tried. */
  stopped: boolean;
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
  const state: Sending = { total, sent: 0, failed: 0, errors: new Map(), lastId: null, startedMs: Date.now(), endedMs: null, stopped: false };
  report({ ...state });
  if (total === 1) {
    for (const message of all) {
      const answer = await api.sqs("SendMessage", { QueueUrl: queue.url, ...message }, stop);
      report({ ...state, sent: 1, lastId: answer.MessageId });
    }
    return;
  }
  const work = batches(all);
  let failure: unknown = null;
  const worker = async (): Promise<void> => {
    for (let next = work.next(); !next.done && !stop.aborted; next = work.next()) {
      try {
        await sendBatch(queue, next.value, state, stop);
      } catch (error) {
        state.stopped = true;
        failure ??= error;
      }
      // What follows a message of a FIFO queue that was refused would come before it once it is sent again.
      if (queue.fifo && state.failed > 0) state.stopped = true;
      report({ ...state });
      // Others that are under way still end, so that what was sent is known.
      if (state.stopped) return;
    }
  };
  await Promise.all(Array.from({ length: queue.fifo ? 1 : PARALLEL }, worker));
  if (failure !== null && !stop.aborted) throw failure;
}

/** Counts what became of a batch. Throws where the server can't be reached, fails, or stays too busy: more would fare no better. */
async function sendBatch(queue: QueueDetail, batch: Outgoing[], state: Sending, stop: AbortSignal): Promise<void> {
  const Entries = batch.map((message, index) => ({ Id: String(index), ...message }));
  for (let attempt = 0; !stop.aborted; attempt += 1) {
    try {
      const answer = await api.sqs("SendMessageBatch", { QueueUrl: queue.url, Entries }, stop);
      state.sent += answer.Successful?.length ?? 0;
      state.failed += answer.Failed?.length ?? 0;
      for (const failure of answer.Failed ?? []) state.errors.set(failure.Code, failure.Message ?? failure.Code);
      state.lastId = answer.Successful?.at(-1)?.MessageId ?? state.lastId;
      return;
    } catch (error) {
      if (stop.aborted) return;
      if (isThrottled(error) && attempt < MOST_RETRIES) {
        await pause(FIRST_PAUSE_MS * 2 ** attempt, stop);
        continue;
      }
      if (isThrottled(error) || !isRefusal(error)) throw error;
      const { code, text, detail } = explain(error);
      state.failed += batch.length;
      state.errors.set(code, detail ?? text);
      return;
    }
  }
}

const isThrottled = (error: unknown): boolean => error instanceof ApiError && error.code.endsWith("RequestThrottled");
/** The server understood and said no, which it may not say to the next. */
const isRefusal = (error: unknown): boolean => error instanceof ApiError && error.status >= 400 && error.status < 500;

function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      stop.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    stop.addEventListener("abort", finish, { once: true });
  });
}
