import type { JSX } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { api } from "../../api/client";
import type { MessagePage, MessageRow, MessageState, QueueDetail, SearchPage } from "../../api/types";
import { compact, count, percent } from "../../format";
import { messages } from "../../i18n";
import { parameters, setParameters } from "../../router";
import { Button, Empty, Loading, Progress } from "../../ui/basics";
import { ErrorNotice } from "../../ui/errors";
import { Icon } from "../../ui/icons";
import { Pager } from "../../ui/table";
import { Tabs } from "../../ui/tabs";
import { MessageDialog } from "../message-dialog";
import { MessageTable } from "../message-table";
import { DeleteMessages } from "./delete-messages";
import type { TabProps } from "./queue";

type Shown = MessageState | "all";
const STATES: readonly Shown[] = ["visible", "in-flight", "delayed", "all"];
const LIMIT = 50;

/** Looks at messages without receiving them: their receive counts stay as they are. */
export function BrowseTab({ queue }: TabProps): JSX.Element {
  const t = messages.value.browse;
  const wanted = parameters.value.get("state");
  const state: Shown = STATES.find((one) => one === wanted) ?? "visible";
  const text = parameters.value.get("find") ?? "";
  const counts: Record<Shown, number> = {
    visible: queue.visible,
    "in-flight": queue.inFlight,
    delayed: queue.delayed,
    all: queue.visible + queue.inFlight + queue.delayed,
  };
  const words = messages.value.states;
  const labels: Record<Shown, string> = { visible: words.visible, "in-flight": words.inFlight, delayed: words.delayed, all: words.all };
  return (
    <>
      <div class="row spread browse-head">
        <Tabs
          small
          label={t.states}
          current={state}
          panel="browse-panel"
          tabs={STATES.map((id) => ({
            id,
            label: (
              <>
                {labels[id]} <span class="count">{compact(counts[id])}</span>
              </>
            ),
          }))}
          onChange={(id) => setParameters({ state: id === "visible" ? null : id, offset: null }, { replace: true })}
        />
        <SearchBox text={text} />
      </div>
      <div id="browse-panel" role="tabpanel" aria-label={labels[state]}>
        {text === "" ? (
          <Pages key={state} queue={queue} state={state} />
        ) : (
          <Found key={`${state} ${text}`} queue={queue} state={state} text={text} />
        )}
      </div>
    </>
  );
}

function SearchBox({ text }: { text: string }): JSX.Element {
  const t = messages.value.browse;
  const [typed, setTyped] = useState(text);
  useEffect(() => setTyped(text), [text]);
  return (
    <form
      class="search-field"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        setParameters({ find: typed, offset: null });
      }}
    >
      <Icon name="search" />
      <input
        data-search
        type="search"
        aria-label={t.search}
        placeholder={t.search}
        value={typed}
        spellcheck={false}
        maxLength={256}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          // The cross in the field empties it without a submit.
          if (event.currentTarget.value === "") setParameters({ find: null, offset: null }, { replace: true });
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </form>
  );
}

interface Listed {
  queue: QueueDetail;
  state: Shown;
}

function Pages({ queue, state }: Listed): JSX.Element {
  const t = messages.value.browse;
  const [page, setPage] = useState<MessagePage | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [turn, setTurn] = useState(0);
  const offset = Math.max(0, Number(parameters.value.get("offset")) || 0);
  useEffect(() => {
    const stop = new AbortController();
    setBusy(true);
    api
      .messages(queue.name, { state, offset, limit: LIMIT }, stop.signal)
      .then(
        (found) => {
          setPage(found);
          setError(null);
        },
        (failure: unknown) => {
          if (!stop.signal.aborted) setError(failure);
        },
      )
      .finally(() => {
        if (!stop.signal.aborted) setBusy(false);
      });
    return () => stop.abort();
  }, [queue.name, state, offset, turn]);
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  if (!page) return error === null ? <Loading /> : <ErrorNotice error={error} retry={reload} />;
  const bar = (
    <Button small icon="refresh" busy={busy} onClick={reload}>
      {messages.value.common.refresh}
    </Button>
  );
  return (
    <>
      {error !== null && <ErrorNotice error={error} retry={reload} />}
      <Rows queue={queue} rows={page.messages} state={state} busy={busy} onChanged={reload} extra={bar} />
      {page.messages.length === 0 && <Empty title={page.total === 0 ? t.none : t.beyond}>{page.total === 0 && t.untouched}</Empty>}
      <Pager
        offset={offset}
        limit={LIMIT}
        total={page.total}
        busy={busy}
        onOffset={(next) => setParameters({ offset: next === 0 ? null : String(next) })}
      />
    </>
  );
}

const MOST_MATCHES = 1_000;

interface Finding {
  matches: MessageRow[];
  scanned: number;
  total: number;
  nextOffset: number | null;
  running: boolean;
}

const NOTHING: Finding = { matches: [], scanned: 0, total: 0, nextOffset: 0, running: true };

/** Searches on, a bounded piece at a time, until everything was seen, enough was found, or one stops it. */
function useFinder({ queue, state, text }: Listed & { text: string }): {
  finding: Finding;
  error: unknown;
  goOn: () => void;
  stop: () => void;
  forget: (gone: ReadonlySet<string>) => void;
} {
  const [finding, setFinding] = useState<Finding>(NOTHING);
  const [error, setError] = useState<unknown>(null);
  const running = useRef<AbortController | null>(null);
  /** As it is now, for a search that goes on while messages are deleted. */
  const latest = useRef<Finding>(NOTHING);
  const deleted = useRef(0);
  const show = useCallback((now: Finding): void => {
    latest.current = now;
    setFinding(now);
  }, []);
  const search = useCallback(
    async (start: Finding): Promise<void> => {
      const own = new AbortController();
      running.current = own;
      setError(null);
      const enough = start.matches.length + MOST_MATCHES;
      show({ ...start, running: true });
      try {
        for (let offset = start.nextOffset; offset !== null && latest.current.matches.length < enough; offset = latest.current.nextOffset) {
          const before = deleted.current;
          const page = await api.search(queue.name, { text, state, offset }, own.signal);
          const nextOffset = movedUp(page.nextOffset, deleted.current - before);
          show(joined(latest.current, { ...page, nextOffset }));
        }
      } catch (failure) {
        if (!own.signal.aborted) setError(failure);
      }
      show({ ...latest.current, running: false });
    },
    [queue.name, state, text, show],
  );
  useEffect(() => {
    void search(NOTHING);
    return () => running.current?.abort();
  }, [search]);
  return {
    finding,
    error,
    goOn: () => void search(finding),
    stop: () => running.current?.abort(),
    forget: (gone) => {
      const { matches, nextOffset, ...rest } = latest.current;
      const left = matches.filter((row) => !gone.has(row.sequence));
      const fewer = matches.length - left.length;
      deleted.current += fewer;
      show({ ...rest, matches: left, nextOffset: movedUp(nextOffset, fewer) });
    },
  };
}

/** Where to go on once messages before that place were deleted: those behind it have moved up. */
function movedUp(offset: number | null, fewer: number): number | null {
  return offset === null ? null : Math.max(0, offset - fewer);
}

/** Messages move while one searches; none is shown twice. */
function joined(before: Finding, page: SearchPage): Finding {
  const seen = new Set(before.matches.map((row) => row.sequence));
  return {
    matches: [...before.matches, ...page.matches.filter((row) => !seen.has(row.sequence))],
    scanned: before.scanned + page.scanned,
    total: page.total,
    nextOffset: page.nextOffset,
    running: true,
  };
}

function Found(props: Listed & { text: string }): JSX.Element {
  const t = messages.value.browse;
  const { finding, error, goOn, stop, forget } = useFinder(props);
  const { matches, scanned, total, running, nextOffset } = finding;
  const summary = t.found(count(matches.length), count(scanned), count(Math.max(total, scanned)));
  return (
    <>
      <div class="row spread search-state">
        {running ? (
          <Progress value={scanned} of={total} label={t.searching}>
            {summary} {total > 0 && percent(Math.min(1, scanned / total))}
          </Progress>
        ) : (
          <span role="status">{summary}</span>
        )}
        {running ? (
          <Button key="stop" small icon="stop" onClick={stop}>
            {messages.value.common.stop}
          </Button>
        ) : (
          nextOffset !== null && (
            <Button key="on" small icon="play" onClick={goOn}>
              {t.searchOn}
            </Button>
          )
        )}
      </div>
      {error !== null && <ErrorNotice error={error} retry={goOn} />}
      {matches.length === 0 && !running && error === null && <Empty title={t.noMatch} />}
      {matches.length > 0 && <Rows queue={props.queue} rows={matches} state={props.state} searched={props.text} onChanged={forget} />}
    </>
  );
}

function Rows(props: {
  queue: QueueDetail;
  rows: readonly MessageRow[];
  state: Shown;
  busy?: boolean;
  searched?: string;
  extra?: JSX.Element;
  onChanged: (gone: ReadonlySet<string>) => void;
}): JSX.Element {
  const t = messages.value.browse;
  const { queue, rows } = props;
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [open, setOpen] = useState<string | null>(null);
  const [deleting, setDeleting] = useState<readonly string[] | null>(null);
  const at = rows.findIndex((row) => row.sequence === open);
  const shown = rows[at];
  const move = (by: 1 | -1): void => setOpen(rows[(at + by + rows.length) % rows.length]?.sequence ?? null);
  const note = chosen.size > 0 ? messages.value.common.chosen(count(chosen.size)) : t.untouched;
  return (
    <>
      <div class="row spread toolbar">
        <span class="muted" aria-live="polite">
          {note}
        </span>
        <div class="row tight">
          {chosen.size > 0 && (
            <Button small tone="danger" icon="trash" onClick={() => setDeleting([...chosen])}>
              {messages.value.common.delete}
            </Button>
          )}
          {props.extra}
        </div>
      </div>
      {rows.length > 0 && (
        <MessageTable
          rows={rows}
          chosen={chosen}
          onChosen={setChosen}
          onOpen={(index) => setOpen(rows[index]?.sequence ?? null)}
          grouped={rows.some((row) => row.attributes["MessageGroupId"] !== undefined)}
          showState={props.state === "all"}
          searched={props.searched ?? ""}
          busy={props.busy ?? false}
        />
      )}
      {shown && (
        <MessageDialog
          queue={queue.name}
          row={shown}
          onClose={() => setOpen(null)}
          onMove={rows.length > 1 ? move : undefined}
          actions={
            <Button small tone="danger" icon="trash" onClick={() => setDeleting([shown.sequence])}>
              {messages.value.common.delete}
            </Button>
          }
        />
      )}
      {deleting && (
        <DeleteMessages
          queue={queue.name}
          sequences={deleting}
          onClose={() => setDeleting(null)}
          onDone={(outcome) => {
            setChosen(outcome.left);
            setOpen(null);
            props.onChanged(outcome.done);
          }}
        />
      )}
    </>
  );
}
