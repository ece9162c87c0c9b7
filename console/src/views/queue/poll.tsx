import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../../api/client";
import type { BatchOutcome, MessageRow, ReceivedMessage } from "../../api/types";
import { bytes, count, duration, utf8Length } from "../../format";
import { messages } from "../../i18n";
import { Button, Empty, Notice, useTick } from "../../ui/basics";
import { ErrorNotice } from "../../ui/errors";
import { TextField } from "../../ui/fields";
import { TickAll, useRowKeys } from "../../ui/table";
import { toast, toastError } from "../../ui/toasts";
import { MessageDialog } from "../message-dialog";
import { SentAt, preview } from "../message-table";
import type { TabProps } from "./queue";

/** A message in our hands, until `untilMs`. */
interface Held {
  row: MessageRow;
  handle: string;
  untilMs: number;
}

interface Polling {
  startedMs: number;
  endsMs: number;
  most: number;
  received: number;
}

const BATCH = 10;
const LONGEST_WAIT_SECONDS = 20;
const MOST_MESSAGES = 1_000;
const LONGEST_HOLD_SECONDS = 43_200;

/** Receives as any consumer does: what is shown here is in flight and counts as received. */
export function PollTab({ queue }: TabProps): JSX.Element {
  const t = messages.value.poll;
  const [seconds, setSeconds] = useState("30");
  const [most, setMost] = useState("50");
  const [visibility, setVisibility] = useState("");
  const [held, setHeld] = useState<Held[]>([]);
  const [polling, setPolling] = useState<Polling | null>(null);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [open, setOpen] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);
  useTick(polling || held.length > 0 ? 1_000 : 0);

  const queueSeconds = Number(queue.attributes["VisibilityTimeout"] ?? 30);
  const limits = {
    seconds: inRange(seconds, 1, 3_600),
    most: inRange(most, 1, MOST_MESSAGES),
    visibility: visibility === "" ? queueSeconds : inRange(visibility, 0, 43_200),
  };
  const extension = Math.max(30, queueSeconds);
  const ready = limits.seconds !== null && limits.most !== null && limits.visibility !== null;

  const start = async (): Promise<void> => {
    if (!ready || polling) return;
    const own = new AbortController();
    stop.current = own;
    setError(null);
    const now = Date.now();
    const plan: Polling = { startedMs: now, endsMs: now + (limits.seconds as number) * 1000, most: limits.most as number, received: 0 };
    setPolling(plan);
    try {
      await receiveUntil(queue.url, plan, visibility === "" ? null : (limits.visibility as number), own.signal, (found) => {
        const untilMs = Date.now() + (limits.visibility as number) * 1000;
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

  const rows = held.filter((one) => chosen.has(one.row.id));
  const drop = (ids: ReadonlySet<string>): void => {
    setHeld((before) => before.filter((one) => !ids.has(one.row.id)));
    setChosen((before) => new Set([...before].filter((id) => !ids.has(id))));
    setOpen((before) => (before !== null && ids.has(before) ? null : before));
  };
  const remove = async (some: Held[]): Promise<void> => {
    const done = await inBatches(some, (Entries) => api.sqs("DeleteMessageBatch", { QueueUrl: queue.url, Entries }), () => ({}));
    drop(done);
    if (done.size > 0) toast({ tone: "success", text: t.deleted(count(done.size)) });
  };
  const change = (some: Held[], seconds: (one: Held) => number): Promise<ReadonlySet<string>> =>
    inBatches<{ VisibilityTimeout: number }>(
      some,
      (Entries) => api.sqs("ChangeMessageVisibilityBatch", { QueueUrl: queue.url, Entries }),
      (one) => ({ VisibilityTimeout: seconds(one) }),
    );
  const release = async (some: Held[]): Promise<void> => {
    const done = await change(some, () => 0);
    drop(done);
    if (done.size > 0) toast({ tone: "success", text: t.released(count(done.size)) });
  };
  const extend = async (some: Held[]): Promise<void> => {
    const now = Date.now();
    // AWS counts from now: what is left has to be given again.
    const longer = (one: Held): number => Math.min(LONGEST_HOLD_SECONDS, Math.ceil(Math.max(0, one.untilMs - now) / 1000) + extension);
    const done = await change(some, longer);
    setHeld((before) => before.map((one) => (done.has(one.row.id) ? { ...one, untilMs: now + longer(one) * 1000 } : one)));
    if (done.size > 0) toast({ tone: "success", text: t.extended(count(done.size), duration(extension * 1000)) });
  };

  const at = held.findIndex((one) => one.row.id === open);
  const shown = held[at];
  return (
    <>
      <form
        class="card poll-form"
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <Notice tone="info">{t.hint}</Notice>
        <div class="form-grid three">
          <TextField
            label={t.seconds}
            value={seconds}
            inputMode="numeric"
            disabled={polling !== null}
            error={limits.seconds === null ? messages.value.problems.range("1", count(3_600)) : null}
            onValue={(value) => setSeconds(value.trim())}
          />
          <TextField
            label={t.most}
            value={most}
            inputMode="numeric"
            disabled={polling !== null}
            error={limits.most === null ? messages.value.problems.range("1", count(MOST_MESSAGES)) : null}
            onValue={(value) => setMost(value.trim())}
          />
          <TextField
            label={t.visibility}
            value={visibility}
            inputMode="numeric"
            placeholder={String(queueSeconds)}
            disabled={polling !== null}
            error={limits.visibility === null ? messages.value.problems.range("0", count(43_200)) : null}
            onValue={(value) => setVisibility(value.trim())}
          />
        </div>
        <div class="row">
          {/* Two buttons, not one that changes: a click that ends the poll must not become one that submits the form. */}
          {polling ? (
            <Button key="stop" icon="stop" tone="primary" onClick={() => stop.current?.abort()}>
              {t.stop}
            </Button>
          ) : (
            <Button key="start" icon="play" tone="primary" submit disabled={!ready}>
              {t.start}
            </Button>
          )}
          {polling && <PollProgress polling={polling} />}
        </div>
      </form>
      {error !== null && <ErrorNotice error={error} />}
      <div class="row spread toolbar">
        <span class="muted" aria-live="polite">
          {chosen.size > 0 ? messages.value.common.chosen(count(chosen.size)) : held.length > 0 ? t.held(count(held.length)) : ""}
        </span>
        {held.length > 0 && (
          <div class="row tight">
            <Button small disabled={rows.length === 0} onClick={() => void release(rows)}>
              {t.release}
            </Button>
            <Button small disabled={rows.length === 0} icon="clock" onClick={() => void extend(rows)}>
              {t.extend(duration(extension * 1000))}
            </Button>
            <Button small tone="danger" icon="trash" disabled={rows.length === 0} onClick={() => void remove(rows)}>
              {messages.value.common.delete}
            </Button>
            <Button small tone="quiet" onClick={() => drop(new Set(held.map((one) => one.row.id)))}>
              {t.clear}
            </Button>
          </div>
        )}
      </div>
      {held.length === 0 ? (
        <Empty title={polling ? t.waiting : t.none} />
      ) : (
        <HeldTable held={held} chosen={chosen} onChosen={setChosen} onOpen={setOpen} />
      )}
      {shown && (
        <MessageDialog
          queue={queue.name}
          row={shown.row}
          onClose={() => setOpen(null)}
          onMove={held.length > 1 ? (by) => setOpen(held[(at + by + held.length) % held.length]?.row.id ?? null) : undefined}
          actions={
            <>
              <Countdown untilMs={shown.untilMs} />
              <Button small onClick={() => void release([shown])}>
                {t.release}
              </Button>
              <Button small tone="danger" icon="trash" onClick={() => void remove([shown])}>
                {messages.value.common.delete}
              </Button>
            </>
          }
        />
      )}
    </>
  );
}

function inRange(text: string, least: number, most: number): number | null {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : null;
}

async function receiveUntil(
  url: string,
  plan: Polling,
  visibility: number | null,
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
        ...(visibility === null ? {} : { VisibilityTimeout: visibility }),
        MessageSystemAttributeNames: ["All"],
        MessageAttributeNames: ["All"],
      },
      stop,
    );
    const found = answer.Messages ?? [];
    left -= found.length;
    if (found.length > 0) deliver(found);
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

function PollProgress({ polling }: { polling: Polling }): JSX.Element {
  const t = messages.value.poll;
  const now = Date.now();
  return (
    <div class="progress-line grow">
      <progress value={now - polling.startedMs} max={polling.endsMs - polling.startedMs} aria-label={t.progress} />
      <span class="number">{t.state(count(polling.received), duration(Math.max(0, polling.endsMs - now)))}</span>
    </div>
  );
}

/** How long a message is still ours. */
function Countdown({ untilMs }: { untilMs: number }): JSX.Element {
  const t = messages.value.poll;
  const left = untilMs - Date.now();
  if (left <= 0) return <span class="warn-text">{t.over}</span>;
  return <span class={`number ${left < 5_000 ? "warn-text" : ""}`}>{t.left(duration(left))}</span>;
}

function HeldTable(props: {
  held: Held[];
  chosen: ReadonlySet<string>;
  onChosen: (ids: ReadonlySet<string>) => void;
  onOpen: (id: string) => void;
}): JSX.Element {
  const t = messages.value;
  const { held, chosen, onChosen } = props;
  const toggle = (id: string): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    onChosen(next);
  };
  const keys = useRowKeys({
    open: (index) => held[index] && props.onOpen(held[index].row.id),
    tick: (index) => held[index] && toggle(held[index].row.id),
  });
  return (
    <div class="table-wrap">
      <table class="messages">
        <thead>
          <tr>
            <th class="tick">
              <TickAll
                all={held.every((one) => chosen.has(one.row.id))}
                some={chosen.size > 0}
                onChange={(on) => onChosen(new Set(on ? held.map((one) => one.row.id) : []))}
              />
            </th>
            <th>{t.message.body}</th>
            <th class="number">{t.message.receivesShort}</th>
            <th class="number hide-narrow">{t.message.size}</th>
            <th class="hide-narrow">{t.message.sent}</th>
            <th>{t.poll.hold}</th>
          </tr>
        </thead>
        <tbody {...keys}>
          {held.map((one, index) => (
            <tr
              key={one.row.id}
              tabIndex={index === 0 ? 0 : -1}
              aria-selected={chosen.has(one.row.id)}
              class={chosen.has(one.row.id) ? "ticked" : ""}
              data-message={one.row.id}
            >
              <td class="tick">
                <input
                  type="checkbox"
                  tabIndex={-1}
                  aria-label={t.message.choose(one.row.id)}
                  checked={chosen.has(one.row.id)}
                  onChange={() => toggle(one.row.id)}
                />
              </td>
              <td class="preview">
                <div class="preview-line">
                  <button type="button" tabIndex={-1} class="preview-button mono" onClick={() => props.onOpen(one.row.id)}>
                    {preview(one.row.body)}
                  </button>
                  {one.row.attributes["MessageGroupId"] && (
                    <span class="muted small-text attribute-names">{one.row.attributes["MessageGroupId"]}</span>
                  )}
                </div>
              </td>
              <td class="number">{count(Number(one.row.attributes["ApproximateReceiveCount"] ?? 0))}</td>
              <td class="number hide-narrow nowrap">{bytes(one.row.bodyBytes)}</td>
              <td class="hide-narrow nowrap">
                <SentAt row={one.row} />
              </td>
              <td class="nowrap">
                <Countdown untilMs={one.untilMs} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
