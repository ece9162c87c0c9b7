import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { ApiError, headers, place, refusal, session } from "./client";
import { eventParser, type Deliver } from "./event-parser";
import type { LiveRow, MoveTask, Overview, QueueDetail } from "./types";

/** What a page can hear from the server, every two seconds. */
export interface LiveHandlers {
  overview?: (overview: Overview) => void;
  queue?: (queue: QueueDetail) => void;
  rows?: (rows: LiveRow[]) => void;
  tasks?: (tasks: MoveTask[]) => void;
  /** Instead of one of the above: what the user may not see, or what is gone. */
  refused?: (of: string, error: ApiError) => void;
}

export type LiveState = { kind: "connecting" } | { kind: "live" } | { kind: "waiting"; untilMs: number };

export const liveState = signal<LiveState>({ kind: "connecting" });
/** What every page shows, whatever else it listens for: the state of the server as a whole. */
export const latestOverview = signal<Overview | null>(null);

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** The server says something at least every 15 s; a stream that is silent for longer is dead, however open it looks. */
const SILENCE_MS = 40_000;
/**
 * A page in the background gives its stream back after this long. Browsers open six connections to a server that speaks HTTP/1.1,
 * so that six forgotten tabs would leave none for a seventh.
 */
const HIDDEN_MS = 5_000;

let hurry: (() => void) | null = null;

/** Tries again now instead of when the pause is over. */
export function reconnectNow(): void {
  hurry?.();
}

/** Keeps one event stream open for as long as the component that calls it is there. */
export function useLive(what: { queue?: string; rows?: readonly string[] }, handlers: LiveHandlers): void {
  const latest = useRef(handlers);
  latest.current = handlers;
  const parameters = new URLSearchParams();
  if (what.queue) parameters.set("queue", what.queue);
  if (what.rows && what.rows.length > 0) parameters.set("rows", what.rows.join(","));
  const address = `/api/events?${parameters.toString()}`;
  const { account, region } = place.value;
  useEffect(() => {
    const stop = new AbortController();
    void follow(address, stop.signal, (event, data) => dispatch(latest.current, event, data));
    return () => stop.abort();
  }, [address, account, region]);
}

function dispatch(handlers: LiveHandlers, event: string, data: string): void {
  if (event === "signed-out") {
    if (session.value) session.value = { ...session.value, signedIn: false, user: null };
    return;
  }
  const value: unknown = JSON.parse(data);
  if (event === "overview") {
    latestOverview.value = value as Overview;
    handlers.overview?.(value as Overview);
  } else if (event === "queue") handlers.queue?.(value as QueueDetail);
  else if (event === "rows") handlers.rows?.(value as LiveRow[]);
  else if (event === "tasks") handlers.tasks?.((value as MoveTask[] | null) ?? []);
  else if (event === "refused") {
    const { of, error } = value as { of: string; error: { code: string; message: string } };
    handlers.refused?.(of, new ApiError(error.code, error.message, 400));
  }
}

async function follow(address: string, stop: AbortSignal, deliver: Deliver): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  while (!stop.aborted) {
    await untilVisible(stop);
    if (stop.aborted) return;
    liveState.value = { kind: "connecting" };
    try {
      await listen(address, stop, (event, data) => {
        pauseMs = FIRST_PAUSE_MS;
        deliver(event, data);
      });
    } catch {
      // Whatever ended the stream, the remedy is the same: say so, wait, try again.
    }
    if (stop.aborted) return;
    if (session.value?.authentication && !session.value.signedIn) return;
    if (document.hidden) continue;
    liveState.value = { kind: "waiting", untilMs: Date.now() + pauseMs };
    await pause(pauseMs, stop);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

// EventSource can't send headers, which say whose queues are meant, nor tell a refusal from a broken line.
async function listen(address: string, stop: AbortSignal, deliver: Deliver): Promise<void> {
  const attempt = new AbortController();
  const end = (): void => attempt.abort();
  stop.addEventListener("abort", end, { once: true });
  let silence = setTimeout(end, SILENCE_MS);
  let unseen: ReturnType<typeof setTimeout> | undefined;
  const onVisibility = (): void => {
    clearTimeout(unseen);
    if (document.hidden) unseen = setTimeout(end, HIDDEN_MS);
  };
  document.addEventListener("visibilitychange", onVisibility);
  onVisibility();
  try {
    const response = await fetch(address, {
      headers: { ...headers(), accept: "text/event-stream" },
      credentials: "same-origin",
      cache: "no-store",
      signal: attempt.signal,
    });
    if (!response.ok || !response.body) throw await refusal(response);
    liveState.value = { kind: "live" };
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const parse = eventParser(deliver);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(silence);
      silence = setTimeout(end, SILENCE_MS);
      parse(value);
    }
  } finally {
    clearTimeout(silence);
    clearTimeout(unseen);
    document.removeEventListener("visibilitychange", onVisibility);
    stop.removeEventListener("abort", end);
    attempt.abort();
  }
}

function untilVisible(stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const check = (): void => {
      if (document.hidden && !stop.aborted) return;
      document.removeEventListener("visibilitychange", check);
      stop.removeEventListener("abort", check);
      resolve();
    };
    document.addEventListener("visibilitychange", check);
    stop.addEventListener("abort", check);
    check();
  });
}

function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      stop.removeEventListener("abort", finish);
      window.removeEventListener("online", finish);
      hurry = null;
      resolve();
    };
    const timer = setTimeout(finish, ms);
    hurry = finish;
    stop.addEventListener("abort", finish, { once: true });
    window.addEventListener("online", finish, { once: true });
  });
}
