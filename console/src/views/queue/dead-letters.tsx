import type { JSX } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { api } from "../../api/client";
import type { MessageRow, MoveTask, QueueDetail } from "../../api/types";
import { compareNames, count } from "../../format";
import { messages } from "../../i18n";
import { address } from "../../router";
import { Button, Counts, Empty, LinkButton, Loading, Notice } from "../../ui/basics";
import { ErrorNotice } from "../../ui/errors";
import { Icon } from "../../ui/icons";
import { Pager } from "../../ui/table";
import { MessageDialog } from "../message-dialog";
import { MessageTable, sourceOf } from "../message-table";
import { DeleteMessages } from "./delete-messages";
import { maxReceives } from "./overview";
import type { TabProps } from "./queue";
import { RedriveAllDialog, RedriveSomeDialog, ResendDialog, Tasks } from "./redrive";

/** What could not be handled: of this queue, or, where this is a dead-letter queue, of those that name it. */
export function DeadLettersTab({ queue, tasks }: TabProps): JSX.Element {
  return (
    <>
      {queue.deadLetterQueue !== null && <Outgoing queue={queue} name={queue.deadLetterQueue} />}
      {queue.sources > 0 && <Letters queue={queue} tasks={tasks} />}
    </>
  );
}

function Outgoing({ queue, name }: { queue: QueueDetail; name: string }): JSX.Element {
  const t = messages.value.deadLetters;
  const [target, setTarget] = useState<QueueDetail | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    const stop = new AbortController();
    api.queue(name, stop.signal).then(setTarget, (failure: unknown) => {
      if (!stop.signal.aborted) setError(failure);
    });
    return () => stop.abort();
  }, [name]);
  return (
    <section class="card">
      <div class="card-head">
        <h2>{t.outgoing}</h2>
        <LinkButton small href={address.queue(name, "dead-letters")}>
          {t.open}
        </LinkButton>
      </div>
      <p>
        {t.outgoingText(count(maxReceives(queue.attributes["RedrivePolicy"])))}{" "}
        <a class="mono break" href={address.queue(name, "dead-letters")}>
          {name}
        </a>
      </p>
      {error !== null && <ErrorNotice error={error} />}
      {target && <Counts visible={target.visible} inFlight={target.inFlight} delayed={target.delayed} />}
    </section>
  );
}

const PAGE = 200;
/** Messages looked at before one has to ask for more. */
const FIRST_LOOK = 1_000;
const ROWS_SHOWN = 50;
const UNKNOWN = "";

interface Look {
  rows: MessageRow[];
  total: number;
  busy: boolean;
  error: unknown;
}

/** Reads the queue's messages from the front, a page at a time, up to as many as were asked for. */
function useLook(queue: string, wanted: number, turn: number): Look {
  const [look, setLook] = useState<Look>({ rows: [], total: 0, busy: true, error: null });
  useEffect(() => {
    const stop = new AbortController();
    const read = async (): Promise<void> => {
      let rows: MessageRow[] = [];
      let total = 0;
      setLook((before) => ({ ...before, busy: true, error: null }));
      try {
        for (;;) {
          const page = await api.messages(queue, { state: "all", offset: rows.length, limit: PAGE }, stop.signal);
          rows = [...rows, ...page.messages];
          total = page.total;
          const ended = page.messages.length < PAGE || rows.length >= wanted;
          setLook({ rows, total, busy: !ended, error: null });
          if (ended) return;
        }
      } catch (error) {
        if (!stop.signal.aborted) setLook({ rows, total, busy: false, error });
      }
    };
    void read();
    return () => stop.abort();
  }, [queue, wanted, turn]);
  return look;
}

type Open = { kind: "message" | "resend"; sequence: string } | { kind: "all" } | { kind: "some" } | { kind: "delete" } | null;

function Letters({ queue, tasks }: Pick<TabProps, "queue" | "tasks">): JSX.Element {
  const t = messages.value.deadLetters;
  const [wanted, setWanted] = useState(FIRST_LOOK);
  const [turn, setTurn] = useState(0);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [open, setOpen] = useState<Open>(null);
  const look = useLook(queue.name, wanted, turn);
  const reload = useCallback(() => {
    setChosen(new Set());
    setTurn((before) => before + 1);
  }, []);
  useReloadAfterTask(tasks, reload);
  const [matching, setMatching] = useState<MessageRow[]>([]);
  const running = tasks.some((task) => task.Status === "RUNNING" || task.Status === "CANCELLING");
  return (
    <>
      <Tasks tasks={tasks} />
      <section class="card">
        <div class="card-head">
          <h2>
            {t.title} <span class="count">{count(queue.visible + queue.inFlight + queue.delayed)}</span>
          </h2>
          <div class="row tight">
            <Button small icon="refresh" busy={look.busy} onClick={reload}>
              {messages.value.common.refresh}
            </Button>
            <Button small tone="primary" icon="redo" disabled={running || queue.visible === 0} onClick={() => setOpen({ kind: "all" })}>
              {t.redriveAll}
            </Button>
          </div>
        </div>
        {look.error !== null && <ErrorNotice error={look.error} retry={reload} />}
        {look.rows.length > 0 && (
          <Listed
            queue={queue}
            look={look}
            chosen={chosen}
            onChosen={setChosen}
            onOpen={setOpen}
            onMatching={setMatching}
            onLookOn={() => setWanted(wanted + FIRST_LOOK * 5)}
          />
        )}
        {look.rows.length === 0 && (look.busy ? <Loading /> : look.error === null && <Empty title={t.none} />)}
      </section>
      <Dialogs queue={queue} matching={matching} open={open} onOpen={setOpen} chosen={chosen} onChosen={setChosen} onDone={reload} />
    </>
  );
}

interface ListedProps {
  queue: QueueDetail;
  look: Look;
  chosen: ReadonlySet<string>;
  onChosen: (sequences: ReadonlySet<string>) => void;
  onOpen: (open: Open) => void;
  onMatching: (rows: MessageRow[]) => void;
  onLookOn: () => void;
}

/** The dead letters that were read, by source and filter. */
function Listed({ queue, look, chosen, ...props }: ListedProps): JSX.Element {
  const t = messages.value.deadLetters;
  const [source, setSource] = useState<string | null>(null);
  const [text, setText] = useState("");
  const [offset, setOffset] = useState(0);
  const groups = useMemo(() => grouped(look.rows), [look.rows]);
  const matching = useMemo(() => filtered(look.rows, source, text), [look.rows, source, text]);
  useEffect(() => props.onMatching(matching), [matching]);
  useEffect(() => setOffset(0), [source, text]);
  const rows = matching.slice(offset, offset + ROWS_SHOWN);
  return (
    <>
      <Groups groups={groups} seen={look.rows.length} current={source} onSource={setSource} />
      {look.rows.length < look.total && (
        <Notice
          tone="info"
          action={
            <Button small busy={look.busy} onClick={props.onLookOn}>
              {t.lookOn}
            </Button>
          }
        >
          {t.seen(count(look.rows.length), count(look.total))}
        </Notice>
      )}
      <div class="row spread toolbar">
        <FilterField text={text} onText={setText} />
        <span class="muted" aria-live="polite">
          {chosen.size > 0 ? messages.value.common.chosen(count(chosen.size)) : ""}
        </span>
        <div class="row tight">
          <Button small icon="redo" disabled={chosen.size === 0} onClick={() => props.onOpen({ kind: "some" })}>
            {t.redriveSome}
          </Button>
          <Button small tone="danger" icon="trash" disabled={chosen.size === 0} onClick={() => props.onOpen({ kind: "delete" })}>
            {messages.value.common.delete}
          </Button>
        </div>
      </div>
      {rows.length === 0 ? (
        <Empty title={messages.value.browse.noMatch} />
      ) : (
        <MessageTable
          rows={rows}
          chosen={chosen}
          onChosen={props.onChosen}
          onOpen={(index) => rows[index] && props.onOpen({ kind: "message", sequence: rows[index].sequence })}
          grouped={queue.fifo}
          showState
          showSource
          searched={text.trim()}
          busy={look.busy}
        />
      )}
      <Pager offset={offset} limit={ROWS_SHOWN} total={matching.length} onOffset={setOffset} />
    </>
  );
}

interface DialogsProps {
  queue: QueueDetail;
  matching: MessageRow[];
  open: Open;
  onOpen: (open: Open) => void;
  chosen: ReadonlySet<string>;
  onChosen: (sequences: ReadonlySet<string>) => void;
  onDone: () => void;
}

function Dialogs({ queue, matching, open, onOpen, chosen, onChosen, onDone }: DialogsProps): JSX.Element | null {
  const close = (): void => onOpen(null);
  if (open === null) return null;
  if (open.kind === "all") return <RedriveAllDialog queue={queue} onClose={close} />;
  if (open.kind === "some") return <RedriveSomeDialog queue={queue} sequences={[...chosen]} onClose={close} onDone={onDone} />;
  if (open.kind === "delete") return <DeleteMessages queue={queue.name} sequences={[...chosen]} onClose={close} onDone={onDone} />;
  const at = matching.findIndex((row) => row.sequence === open.sequence);
  const shown = matching[at];
  if (!shown) return null;
  if (open.kind === "resend") return <ResendDialog queue={queue} row={shown} onClose={close} onDone={onDone} />;
  const t = messages.value.deadLetters;
  const move = (by: 1 | -1): void => {
    const next = matching[(at + by + matching.length) % matching.length];
    if (next) onOpen({ kind: "message", sequence: next.sequence });
  };
  return (
    <MessageDialog
      queue={queue.name}
      row={shown}
      onClose={close}
      onMove={matching.length > 1 ? move : undefined}
      actions={
        <>
          <Button small icon="edit" disabled={shown.notShown !== null} onClick={() => onOpen({ kind: "resend", sequence: shown.sequence })}>
            {t.editResend}
          </Button>
          <Button
            small
            icon="redo"
            onClick={() => {
              onChosen(new Set([shown.sequence]));
              onOpen({ kind: "some" });
            }}
          >
            {t.redrive}
          </Button>
        </>
      }
    />
  );
}

/** A task that ended has emptied the queue, in part or whole: what is listed here is old then. */
function useReloadAfterTask(tasks: MoveTask[], reload: () => void): void {
  const status = tasks[0]?.Status;
  const before = useRef(status);
  useEffect(() => {
    if ((before.current === "RUNNING" || before.current === "CANCELLING") && status !== "RUNNING" && status !== "CANCELLING") reload();
    before.current = status;
  }, [status]);
}

function grouped(rows: readonly MessageRow[]): [string, number][] {
  const groups = new Map<string, number>();
  for (const row of rows) {
    const source = sourceOf(row) ?? UNKNOWN;
    groups.set(source, (groups.get(source) ?? 0) + 1);
  }
  return [...groups].sort(([nameA, a], [nameB, b]) => b - a || compareNames(nameA, nameB));
}

function filtered(rows: MessageRow[], source: string | null, text: string): MessageRow[] {
  const wanted = text.trim().toLowerCase();
  return rows.filter(
    (row) =>
      (source === null || (sourceOf(row) ?? UNKNOWN) === source) &&
      (wanted === "" || row.body.toLowerCase().includes(wanted) || row.id.includes(wanted) || attributesInclude(row, wanted)),
  );
}

function attributesInclude(row: MessageRow, wanted: string): boolean {
  const group = row.attributes["MessageGroupId"] ?? "";
  return (
    group.toLowerCase().includes(wanted) ||
    Object.entries(row.messageAttributes).some(
      ([name, one]) => name.toLowerCase().includes(wanted) || (one.StringValue ?? "").toLowerCase().includes(wanted),
    )
  );
}

function Groups(props: {
  groups: [string, number][];
  seen: number;
  current: string | null;
  onSource: (source: string | null) => void;
}): JSX.Element {
  const t = messages.value.deadLetters;
  const all: [string | null, number][] = [[null, props.seen], ...props.groups];
  return (
    <div class="groups" role="group" aria-label={t.bySource}>
      {all.map(([source, amount]) => (
        <button
          type="button"
          key={source ?? " all"}
          class="group"
          aria-pressed={props.current === source}
          onClick={() => props.onSource(source)}
        >
          <span class={source ? "mono break" : ""}>{source === null ? t.allSources : source === UNKNOWN ? t.sentHere : source}</span>
          <span class="count">{count(amount)}</span>
        </button>
      ))}
    </div>
  );
}

function FilterField({ text, onText }: { text: string; onText: (text: string) => void }): JSX.Element {
  const t = messages.value.deadLetters;
  return (
    <label class="search-field">
      <Icon name="search" />
      <input
        data-search
        type="search"
        aria-label={t.filter}
        placeholder={t.filter}
        value={text}
        spellcheck={false}
        onInput={(event) => onText(event.currentTarget.value)}
      />
    </label>
  );
}
