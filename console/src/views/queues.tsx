import type { JSX } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { api, place } from "../api/client";
import { useLive } from "../api/events";
import type { LiveRow, QueuePage, QueueRow, QueueSort } from "../api/types";
import { compact, count, duration, rate, relative } from "../format";
import { messages } from "../i18n";
import { address, go, parameters, setParameters } from "../router";
import { pageSize } from "../settings";
import { Badge, Button, Empty, LinkButton, Loading } from "../ui/basics";
import { ErrorNotice } from "../ui/errors";
import { Select } from "../ui/fields";
import { Icon } from "../ui/icons";
import { Sparkline } from "../ui/sparkline";
import { Pager, SortHead, TickAll, useRowKeys } from "../ui/table";
import { BulkDialog, type BulkKind } from "./bulk";

const REFRESH_MS = 10_000;
const TYPING_PAUSE_MS = 200;

interface Filter {
  search: string;
  tag: string;
  kind: string;
  sort: string;
  descending: boolean;
  offset: number;
  limit: number;
}

function filterOf(from: URLSearchParams): Filter {
  return {
    search: from.get("search") ?? "",
    tag: from.get("tag") ?? "",
    kind: from.get("kind") ?? "",
    sort: from.get("sort") ?? "name",
    descending: from.get("descending") === "true",
    offset: Math.max(0, Number(from.get("offset")) || 0),
    limit: Number(pageSize.value),
  };
}

/** The page of queues that the address asks for; asked again now and then, as queues come and go. */
function useQueuePage(filter: Filter): { page: QueuePage | null; error: unknown; busy: boolean; reload: () => void } {
  const [page, setPage] = useState<QueuePage | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [turn, setTurn] = useState(0);
  const { account, region } = place.value;
  const key = JSON.stringify(filter);
  useEffect(() => {
    const stop = new AbortController();
    setBusy(true);
    api
      .queues(filter, stop.signal)
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
    const timer = setTimeout(() => setTurn((before) => before + 1), REFRESH_MS);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [key, turn, account, region]);
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  return { page, error, busy, reload };
}

export function QueuesView(): JSX.Element {
  const t = messages.value.queues;
  const filter = filterOf(parameters.value);
  const { page, error, busy, reload } = useQueuePage(filter);
  const [live, setLive] = useState<Map<string, LiveRow>>(new Map());
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [bulk, setBulk] = useState<BulkKind | null>(null);
  const names = useMemo(() => (page?.queues ?? []).map((row) => row.name).sort(), [page]);
  useLive({ rows: names }, { rows: (rows) => setLive(new Map(rows.map((row) => [row.name, row]))) });

  const rows = (page?.queues ?? []).map((row): QueueRow => ({ ...row, ...live.get(row.name), name: row.name }));
  const filtered = filter.search !== "" || filter.tag !== "" || filter.kind !== "";
  return (
    <>
      <div class="page-head">
        <h1>
          {t.title} {page && <span class="count">{count(page.total)}</span>}
        </h1>
        <LinkButton href={address.create()} icon="plus" tone="primary">
          {t.create}
        </LinkButton>
      </div>
      <FilterBar filter={filter} />
      {error !== null && <ErrorNotice error={error} retry={reload} />}
      <BulkBar chosen={chosen} onBulk={setBulk} onClear={() => setChosen(new Set())} />
      {!page && error === null && <Loading />}
      {page && rows.length === 0 && (
        <Empty
          title={filtered ? t.noMatch : t.none}
          action={filtered ? <Button onClick={() => go(address.queues())}>{t.clearFilter}</Button> : undefined}
        />
      )}
      {page && rows.length > 0 && (
        <>
          <QueueTable rows={rows} filter={filter} chosen={chosen} onChosen={setChosen} busy={busy} />
          <div class="row spread">
            <Pager
              offset={filter.offset}
              limit={filter.limit}
              total={page.matching}
              busy={busy}
              onOffset={(offset) => setParameters({ offset: offset === 0 ? null : String(offset) })}
            />
            {page.matching > 25 && <PageSize />}
          </div>
        </>
      )}
      {bulk && (
        <BulkDialog
          kind={bulk}
          queues={[...chosen]}
          onClose={() => setBulk(null)}
          onDone={(left) => {
            setChosen(new Set(left));
            reload();
          }}
        />
      )}
    </>
  );
}

function PageSize(): JSX.Element {
  return (
    <label class="row tight muted">
      {messages.value.queues.pageSize}
      <Select
        small
        label={messages.value.queues.pageSize}
        value={pageSize.value}
        options={(["25", "50", "100"] as const).map((value) => ({ value, label: value }))}
        onValue={(value) => {
          pageSize.value = value;
          setParameters({ offset: null }, { replace: true });
        }}
      />
    </label>
  );
}

function FilterBar({ filter }: { filter: Filter }): JSX.Element {
  const t = messages.value.queues;
  const [search, setSearch] = useState(filter.search);
  const [tag, setTag] = useState(filter.tag);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => setSearch(filter.search), [filter.search]);
  useEffect(() => setTag(filter.tag), [filter.tag]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const later = (changes: Record<string, string>): void => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setParameters({ ...changes, offset: null }, { replace: true }), TYPING_PAUSE_MS);
  };
  return (
    <div class="filter" role="search">
      <label class="search-field">
        <Icon name="search" />
        <input
          data-search
          type="search"
          aria-label={t.search}
          placeholder={t.search}
          value={search}
          spellcheck={false}
          onInput={(event) => {
            setSearch(event.currentTarget.value);
            later({ search: event.currentTarget.value.trim(), tag: tag.trim() });
          }}
          onKeyDown={(event) => {
            if (event.key !== "ArrowDown") return;
            event.preventDefault();
            document.querySelector<HTMLElement>("tbody tr[tabindex='0']")?.focus();
          }}
        />
        <kbd aria-hidden="true">/</kbd>
      </label>
      <label class="search-field tag-filter">
        <Icon name="tag" />
        <input
          type="search"
          aria-label={t.tagFilter}
          placeholder={t.tagFilter}
          value={tag}
          spellcheck={false}
          onInput={(event) => {
            setTag(event.currentTarget.value);
            later({ search: search.trim(), tag: event.currentTarget.value.trim() });
          }}
        />
      </label>
      <Select
        label={t.kind}
        value={filter.kind}
        options={[
          { value: "", label: t.kinds.all },
          { value: "standard", label: t.kinds.standard },
          { value: "fifo", label: t.kinds.fifo },
          { value: "dead-letter", label: t.kinds.deadLetter },
        ]}
        onValue={(kind) => setParameters({ kind, offset: null })}
      />
    </div>
  );
}

function BulkBar(props: {
  chosen: ReadonlySet<string>;
  onBulk: (kind: BulkKind) => void;
  onClear: () => void;
}): JSX.Element | null {
  const t = messages.value.queues;
  if (props.chosen.size === 0) return null;
  return (
    <div class="bulk" role="region" aria-label={t.bulk}>
      <span aria-live="polite">{t.chosen(count(props.chosen.size))}</span>
      <div class="row">
        <Button small icon="tag" onClick={() => props.onBulk("tag")}>
          {t.bulkTag}
        </Button>
        <Button small tone="danger" onClick={() => props.onBulk("purge")}>
          {t.bulkPurge}
        </Button>
        <Button small tone="danger" icon="trash" onClick={() => props.onBulk("delete")}>
          {t.bulkDelete}
        </Button>
        <Button small tone="quiet" icon="close" label={t.bulkClear} onClick={props.onClear} />
      </div>
    </div>
  );
}

function QueueTable(props: {
  rows: QueueRow[];
  filter: Filter;
  chosen: ReadonlySet<string>;
  onChosen: (names: ReadonlySet<string>) => void;
  busy: boolean;
}): JSX.Element {
  const { rows, filter, chosen, onChosen } = props;
  const t = messages.value.queues;
  const toggle = (name: string): void => {
    const next = new Set(chosen);
    if (!next.delete(name)) next.add(name);
    onChosen(next);
  };
  const tickAll = (on: boolean): void => {
    const names = new Set(chosen);
    for (const row of rows) on ? names.add(row.name) : names.delete(row.name);
    onChosen(names);
  };
  const keys = useRowKeys({
    open: (index) => rows[index] && go(address.queue(rows[index].name)),
    tick: (index) => rows[index] && toggle(rows[index].name),
  });
  const head = { current: filter.sort, descending: filter.descending, onSort: (id: QueueSort) => sortBy(id, filter) };
  const all = rows.every((row) => chosen.has(row.name));
  return (
    <div class="table-wrap" aria-busy={props.busy}>
      <table class="queues">
        <thead>
          <tr>
            <th class="tick">
              <TickAll all={all} some={rows.some((row) => chosen.has(row.name))} onChange={tickAll} />
            </th>
            <SortHead id="name" {...head}>
              {t.name}
            </SortHead>
            <SortHead id="visible" numeric {...head}>
              {messages.value.states.visible}
            </SortHead>
            <SortHead id="inFlight" numeric {...head}>
              {messages.value.states.inFlight}
            </SortHead>
            <SortHead id="delayed" numeric className="hide-medium" {...head}>
              {messages.value.states.delayed}
            </SortHead>
            <SortHead id="oldest" numeric className="hide-narrow" {...head}>
              {t.oldest}
            </SortHead>
            <SortHead id="sent" numeric className="hide-narrow" {...head}>
              {t.sentRate}
            </SortHead>
            <SortHead id="received" numeric className="hide-narrow" {...head}>
              {t.receivedRate}
            </SortHead>
            <th class="hide-narrow">{t.trend}</th>
            <SortHead id="created" className="hide-medium" {...head}>
              {t.created}
            </SortHead>
          </tr>
        </thead>
        <tbody {...keys}>
          {rows.map((row, index) => (
            <Row key={row.name} row={row} first={index === 0} ticked={chosen.has(row.name)} onTick={() => toggle(row.name)} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function sortBy(id: QueueSort, filter: Filter): void {
  // Names from A, figures from the largest: what one wants to see first.
  const descending = filter.sort === id ? !filter.descending : id !== "name";
  setParameters({ sort: id === "name" ? null : id, descending: descending ? "true" : null, offset: null });
}

function Row(props: { row: QueueRow; first: boolean; ticked: boolean; onTick: () => void }): JSX.Element {
  const { row } = props;
  const t = messages.value.queues;
  const tags = Object.entries(row.tags);
  return (
    <tr tabIndex={props.first ? 0 : -1} aria-selected={props.ticked} class={props.ticked ? "ticked" : ""}>
      <td class="tick">
        <input type="checkbox" tabIndex={-1} aria-label={t.choose(row.name)} checked={props.ticked} onChange={props.onTick} />
      </td>
      <td class="queue-cell">
        <a href={address.queue(row.name)} class="queue-name" tabIndex={-1}>
          {row.name}
        </a>
        <span class="marks">
          {row.fifo && <Badge>FIFO</Badge>}
          {row.sources > 0 && <Badge tone={row.visible > 0 ? "bad" : ""}>{t.deadLetterMark}</Badge>}
          {row.encryption === "kms" && <Badge title={t.kmsHint}>KMS</Badge>}
          {tags.slice(0, 2).map(([key, value]) => (
            <button
              type="button"
              tabIndex={-1}
              class="tag"
              key={key}
              title={t.filterByTag}
              onClick={() => setParameters({ tag: value === "" ? key : `${key}=${value}`, offset: null })}
            >
              {value === "" ? key : `${key}=${value}`}
            </button>
          ))}
          {tags.length > 2 && <span class="muted">+{tags.length - 2}</span>}
        </span>
      </td>
      <td class={`number ${row.visible > 0 ? "visible-text" : "zero"}`} title={count(row.visible)}>
        {compact(row.visible)}
      </td>
      <td class={`number ${row.inFlight > 0 ? "in-flight-text" : "zero"}`} title={count(row.inFlight)}>
        {compact(row.inFlight)}
      </td>
      <td class={`number hide-medium ${row.delayed > 0 ? "delayed-text" : "zero"}`}>{compact(row.delayed)}</td>
      <td class="number hide-narrow">{duration(row.oldestAgeMs, "narrow")}</td>
      <td class={`number hide-narrow ${row.rates.sent > 0 ? "" : "zero"}`}>{rate(row.rates.sent)}</td>
      <td class={`number hide-narrow ${row.rates.received > 0 ? "" : "zero"}`}>{rate(row.rates.received)}</td>
      <td class="hide-narrow">
        <Sparkline values={row.spark} />
      </td>
      <td class="hide-medium muted nowrap">{relative(Math.min(row.createdMs, Date.now()))}</td>
    </tr>
  );
}
