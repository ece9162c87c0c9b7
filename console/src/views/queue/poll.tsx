import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { QueueDetail } from "../../api/types";
import { bytes, count, duration } from "../../format";
import { messages } from "../../i18n";
import { Button, Empty, Notice, useTick } from "../../ui/basics";
import { ErrorNotice } from "../../ui/errors";
import { TextField } from "../../ui/fields";
import { TickAll, useRowKeys } from "../../ui/table";
import { MessageDialog } from "../message-dialog";
import { SentAt, preview } from "../message-table";
import { extensionOf, useReceiver, visibilityOf, type Held, type Polling, type Receiver } from "./polling";
import type { TabProps } from "./queue";

/** Receives as any consumer does: what is shown here is in flight and counts as received. */
export function PollTab({ queue }: TabProps): JSX.Element {
  const t = messages.value.poll;
  const receiver = useReceiver(queue);
  const { held, polling, error } = receiver;
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set());
  const [open, setOpen] = useState<string | null>(null);
  useTick(polling || held.length > 0 ? 1_000 : 0);
  // Of what was ticked, only what is still here.
  const rows = held.filter((one) => ticked.has(one.row.id));
  const chosen = new Set(rows.map((one) => one.row.id));
  const at = held.findIndex((one) => one.row.id === open);
  const shown = held[at];
  return (
    <>
      <PollForm queue={queue} receiver={receiver} />
      {error !== null && <ErrorNotice error={error} />}
      <HeldToolbar queue={queue} receiver={receiver} rows={rows} />
      {held.length === 0 ? (
        <Empty title={polling ? t.waiting : t.none} />
      ) : (
        <HeldTable held={held} chosen={chosen} onChosen={setTicked} onOpen={setOpen} />
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
              <Button small onClick={() => void receiver.release([shown])}>
                {t.release}
              </Button>
              <Button small tone="danger" icon="trash" onClick={() => void receiver.remove([shown])}>
                {messages.value.common.delete}
              </Button>
            </>
          }
        />
      )}
    </>
  );
}

const LONGEST_POLL_SECONDS = 3_600;
const MOST_MESSAGES = 1_000;
const LONGEST_VISIBILITY_SECONDS = 43_200;

function PollForm({ queue, receiver }: { queue: QueueDetail; receiver: Receiver }): JSX.Element {
  const t = messages.value.poll;
  const [seconds, setSeconds] = useState("30");
  const [most, setMost] = useState("50");
  const [visibility, setVisibility] = useState("");
  const { polling } = receiver;
  const fields = [
    { label: t.seconds, text: seconds, set: setSeconds, least: 1, most: LONGEST_POLL_SECONDS },
    { label: t.most, text: most, set: setMost, least: 1, most: MOST_MESSAGES },
    { label: t.visibility, text: visibility, set: setVisibility, least: 0, most: LONGEST_VISIBILITY_SECONDS, otherwise: visibilityOf(queue) },
  ].map((field) => ({ ...field, wrong: !(field.text === "" && field.otherwise !== undefined) && !inRange(field.text, field.least, field.most) }));
  const ready = fields.every((field) => !field.wrong);
  const start = (): void => {
    if (!ready || polling) return;
    void receiver.start({ seconds: Number(seconds), most: Number(most), visibilitySeconds: visibility === "" ? null : Number(visibility) });
  };
  return (
    <form
      class="card poll-form"
      onSubmit={(event) => {
        event.preventDefault();
        start();
      }}
    >
      <Notice tone="info">{t.hint}</Notice>
      <div class="form-grid three">
        {fields.map((field) => (
          <TextField
            key={field.label}
            label={field.label}
            value={field.text}
            inputMode="numeric"
            placeholder={field.otherwise === undefined ? "" : String(field.otherwise)}
            disabled={polling !== null}
            error={field.wrong ? messages.value.problems.range(count(field.least), count(field.most)) : null}
            onValue={(value) => field.set(value.trim())}
          />
        ))}
      </div>
      <div class="row">
        {/* Two buttons, not one that changes: a click that ends the poll must not become one that submits the form. */}
        {polling ? (
          <Button key="stop" icon="stop" tone="primary" onClick={receiver.stop}>
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
  );
}

function inRange(text: string, least: number, most: number): boolean {
  return /^\d{1,6}$/.test(text) && Number(text) >= least && Number(text) <= most;
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

function HeldToolbar({ queue, receiver, rows }: { queue: QueueDetail; receiver: Receiver; rows: Held[] }): JSX.Element {
  const t = messages.value.poll;
  const { held } = receiver;
  const none = rows.length === 0;
  return (
    <div class="row spread toolbar">
      <span class="muted" aria-live="polite">
        {!none ? messages.value.common.chosen(count(rows.length)) : held.length > 0 ? t.held(count(held.length)) : ""}
      </span>
      {held.length > 0 && (
        <div class="row tight">
          <Button small disabled={none} onClick={() => void receiver.release(rows)}>
            {t.release}
          </Button>
          <Button small disabled={none} icon="clock" onClick={() => void receiver.extend(rows)}>
            {t.extend(duration(extensionOf(queue) * 1000))}
          </Button>
          <Button small tone="danger" icon="trash" disabled={none} onClick={() => void receiver.remove(rows)}>
            {messages.value.common.delete}
          </Button>
          <Button small tone="quiet" onClick={() => receiver.drop(new Set(held.map((one) => one.row.id)))}>
            {t.clear}
          </Button>
        </div>
      )}
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

interface HeldTableProps {
  held: Held[];
  chosen: ReadonlySet<string>;
  onChosen: (ids: ReadonlySet<string>) => void;
  onOpen: (id: string) => void;
}

function HeldTable({ held, chosen, onChosen, onOpen }: HeldTableProps): JSX.Element {
  const t = messages.value;
  const toggle = (id: string): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    onChosen(next);
  };
  const keys = useRowKeys({
    open: (index) => held[index] && onOpen(held[index].row.id),
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
            <HeldRow
              key={one.row.id}
              held={one}
              first={index === 0}
              ticked={chosen.has(one.row.id)}
              onTick={() => toggle(one.row.id)}
              onOpen={() => onOpen(one.row.id)}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function HeldRow(props: { held: Held; first: boolean; ticked: boolean; onTick: () => void; onOpen: () => void }): JSX.Element {
  const { row, untilMs } = props.held;
  const group = row.attributes["MessageGroupId"];
  return (
    <tr tabIndex={props.first ? 0 : -1} aria-selected={props.ticked} class={props.ticked ? "ticked" : ""} data-message={row.id}>
      <td class="tick">
        <input type="checkbox" tabIndex={-1} aria-label={messages.value.message.choose(row.id)} checked={props.ticked} onChange={props.onTick} />
      </td>
      <td class="preview">
        <div class="preview-line">
          <button type="button" tabIndex={-1} class="preview-button mono" onClick={props.onOpen}>
            {preview(row.body)}
          </button>
          {group && <span class="muted small-text attribute-names">{group}</span>}
        </div>
      </td>
      <td class="number">{count(Number(row.attributes["ApproximateReceiveCount"] ?? 0))}</td>
      <td class="number hide-narrow nowrap">{bytes(row.bodyBytes)}</td>
      <td class="hide-narrow nowrap">
        <SentAt row={row} />
      </td>
      <td class="nowrap">
        <Countdown untilMs={untilMs} />
      </td>
    </tr>
  );
}
