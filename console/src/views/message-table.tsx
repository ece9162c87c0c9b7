import type { JSX } from "preact";
import { bytes, count, preciseTime, relative } from "../format";
import { messages } from "../i18n";
import type { MessageRow } from "../api/types";
import { TickAll, useRowKeys } from "../ui/table";
import { StateBadge } from "./message-dialog";

interface MessageTableProps {
  rows: readonly MessageRow[];
  chosen: ReadonlySet<string>;
  onChosen: (sequences: ReadonlySet<string>) => void;
  onOpen: (index: number) => void;
  grouped: boolean;
  showState?: boolean;
  showSource?: boolean;
  /** What was searched for; the body is shown from about there. */
  searched?: string;
  busy?: boolean;
}

/** Rows of messages: what browse, search and dead letters show. */
export function MessageTable(props: MessageTableProps): JSX.Element {
  const t = messages.value.message;
  const { rows, chosen, onChosen } = props;
  const toggle = (sequence: string): void => {
    const next = new Set(chosen);
    if (!next.delete(sequence)) next.add(sequence);
    onChosen(next);
  };
  const keys = useRowKeys({ open: props.onOpen, tick: (index) => rows[index] && toggle(rows[index].sequence) });
  return (
    <div class="table-wrap" aria-busy={props.busy ?? false}>
      <table class="messages">
        <thead>
          <tr>
            <th class="tick">
              <TickAll
                all={rows.length > 0 && rows.every((row) => chosen.has(row.sequence))}
                some={rows.some((row) => chosen.has(row.sequence))}
                onChange={(on) => {
                  const next = new Set(chosen);
                  for (const row of rows) on ? next.add(row.sequence) : next.delete(row.sequence);
                  onChosen(next);
                }}
              />
            </th>
            <th>{t.body}</th>
            {props.showState && <th class={props.showSource ? "hide-narrow" : ""}>{t.state}</th>}
            {props.grouped && <th class="hide-narrow">{t.group}</th>}
            {props.showSource && <th>{t.source}</th>}
            <th class="number">{t.receivesShort}</th>
            <th class="number hide-narrow">{t.size}</th>
            <th class="hide-narrow">{t.sent}</th>
          </tr>
        </thead>
        <tbody {...keys}>
          {rows.map((row, index) => (
            <Row
              key={row.sequence}
              {...props}
              row={row}
              first={index === 0}
              ticked={chosen.has(row.sequence)}
              onTick={() => toggle(row.sequence)}
              onOpenRow={() => props.onOpen(index)}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps extends Pick<MessageTableProps, "grouped" | "showState" | "showSource" | "searched"> {
  row: MessageRow;
  first: boolean;
  ticked: boolean;
  onTick: () => void;
  onOpenRow: () => void;
}

function Row({ row, first, ticked, ...props }: RowProps): JSX.Element {
  const t = messages.value.message;
  const attributes = Object.keys(row.messageAttributes);
  const group = row.attributes["MessageGroupId"];
  return (
    <tr tabIndex={first ? 0 : -1} aria-selected={ticked} class={ticked ? "ticked" : ""} data-message={row.id}>
      <td class="tick">
        <input type="checkbox" tabIndex={-1} aria-label={t.choose(row.id)} checked={ticked} onChange={props.onTick} />
      </td>
      <td class="preview">
        <div class="preview-line">
          <button type="button" tabIndex={-1} class="preview-button mono" onClick={props.onOpenRow}>
            {row.notShown !== null ? t.hidden : <Preview body={row.body} searched={props.searched ?? ""} />}
          </button>
          {attributes.length > 0 && <span class="muted small-text attribute-names hide-narrow">{attributes.join(", ")}</span>}
        </div>
      </td>
      {props.showState && (
        <td class={props.showSource ? "hide-narrow" : ""}>
          <StateBadge state={row.state} />
        </td>
      )}
      {props.grouped && (
        <td class="hide-narrow mono clip" title={group ?? ""}>
          {group ?? "–"}
        </td>
      )}
      {props.showSource && <td class="mono clip">{sourceOf(row) ?? "–"}</td>}
      <td class="number">{count(Number(row.attributes["ApproximateReceiveCount"] ?? 0))}</td>
      <td class="number hide-narrow nowrap">{bytes(row.bodyBytes)}</td>
      <td class="hide-narrow nowrap">
        <SentAt row={row} />
      </td>
    </tr>
  );
}

export function SentAt({ row }: { row: MessageRow }): JSX.Element {
  const sent = Number(row.attributes["SentTimestamp"]);
  if (!Number.isFinite(sent)) return <span>–</span>;
  return <span title={preciseTime(sent)}>{relative(Math.min(sent, Date.now()))}</span>;
}

const BEFORE_MATCH = 24;

/** A body on one line, from about where the searched text is, which is marked. */
function Preview({ body, searched }: { body: string; searched: string }): JSX.Element {
  const at = searched === "" ? -1 : body.toLowerCase().indexOf(searched.toLowerCase());
  if (at < 0) return <>{preview(body)}</>;
  const from = at > BEFORE_MATCH * 2 ? at - BEFORE_MATCH : 0;
  const end = at + searched.length;
  return (
    <>
      {from > 0 && "…"}
      {preview(body.slice(from, at))}
      <mark>{preview(body.slice(at, end))}</mark>
      {preview(body.slice(end))}
    </>
  );
}

/** A body on one line. */
export function preview(body: string): string {
  return body.slice(0, 300).replace(/\s+/g, " ");
}

/** The name of the queue that a dead letter comes from. */
export function sourceOf(row: MessageRow): string | null {
  return row.attributes["DeadLetterQueueSourceArn"]?.split(":").at(-1) ?? null;
}
