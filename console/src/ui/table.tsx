import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { count } from "../format";
import { messages } from "../i18n";
import { Button } from "./basics";

/** Moves through the rows of a table body with arrows, Home and End; Enter or a click opens, Space ticks. One tab stop. */
export function useRowKeys(actions: { open?: (index: number) => void; tick?: (index: number) => void }): {
  onKeyDown: (event: KeyboardEvent) => void;
  onFocusIn: (event: FocusEvent) => void;
  onClick: (event: MouseEvent) => void;
} {
  const rowsOf = (body: HTMLElement): HTMLElement[] => [...body.querySelectorAll<HTMLElement>(":scope > tr[tabindex]")];
  return {
    onKeyDown: (event) => {
      const row = event.target as HTMLElement;
      if (!(row instanceof HTMLTableRowElement) || event.ctrlKey || event.metaKey || event.altKey) return;
      const rows = rowsOf(event.currentTarget as HTMLElement);
      const at = rows.indexOf(row);
      const moves: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, j: at + 1, k: at - 1, Home: 0, End: rows.length - 1 };
      const next = moves[event.key];
      if (next !== undefined) {
        event.preventDefault();
        rows[Math.max(0, Math.min(rows.length - 1, next))]?.focus();
      } else if (event.key === "Enter" && actions.open) {
        event.preventDefault();
        actions.open(at);
      } else if (event.key === " " && actions.tick) {
        event.preventDefault();
        actions.tick(at);
      }
    },
    onClick: (event) => {
      // What can be clicked by itself does its own; the rest of a row opens it, unless somebody is marking text.
      const target = event.target as HTMLElement;
      const row = target.closest("tr[tabindex]");
      if (!(row instanceof HTMLElement) || target.closest("a, button, input, label, .tick") || !getSelection()?.isCollapsed) return;
      actions.open?.(rowsOf(event.currentTarget as HTMLElement).indexOf(row));
    },
    onFocusIn: (event) => {
      const rows = rowsOf(event.currentTarget as HTMLElement);
      const row = (event.target as HTMLElement).closest("tr[tabindex]");
      if (row) for (const one of rows) one.tabIndex = one === row ? 0 : -1;
    },
  };
}

export function SortHead<T extends string>(props: {
  id: T;
  current: string;
  descending: boolean;
  onSort: (id: T) => void;
  children: ComponentChildren;
  numeric?: boolean;
  className?: string;
}): JSX.Element {
  const active = props.id === props.current;
  return (
    <th
      class={`${props.numeric ? "number" : ""} ${props.className ?? ""}`}
      aria-sort={active ? (props.descending ? "descending" : "ascending") : undefined}
    >
      <button type="button" class="sort" onClick={() => props.onSort(props.id)}>
        {props.children}
        <span aria-hidden="true" class="sort-mark">
          {active ? (props.descending ? "↓" : "↑") : ""}
        </span>
      </button>
    </th>
  );
}

/** A tick for all rows in sight: on, off, or some. */
export function TickAll(props: { all: boolean; some: boolean; onChange: (on: boolean) => void }): JSX.Element {
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (box.current) box.current.indeterminate = props.some && !props.all;
  });
  return (
    <input
      ref={box}
      type="checkbox"
      aria-label={messages.value.common.selectAll}
      checked={props.all}
      onChange={(event) => props.onChange(event.currentTarget.checked)}
    />
  );
}

/** Pages by offset, with a place to type where to go: a million messages are twenty thousand pages. */
export function Pager(props: {
  offset: number;
  limit: number;
  total: number;
  onOffset: (offset: number) => void;
  busy?: boolean;
}): JSX.Element | null {
  const t = messages.value.pager;
  const { offset, limit, total } = props;
  if (total <= limit && offset === 0) return null;
  const last = Math.max(0, Math.floor((total - 1) / limit) * limit);
  const to = Math.min(offset + limit, total);
  return (
    <nav class="pager" aria-label={t.label}>
      <span class="number" aria-live="polite">
        {t.range(count(Math.min(offset + 1, total)), count(to), count(total))}
      </span>
      <div class="row tight">
        <Button small tone="quiet" icon="first" label={t.first} disabled={offset === 0} onClick={() => props.onOffset(0)} />
        <Button
          small
          tone="quiet"
          icon="left"
          label={t.previous}
          disabled={offset === 0}
          onClick={() => props.onOffset(Math.max(0, offset - limit))}
        />
        <label class="jump">
          <span>{t.jump}</span>
          <input
            class="small"
            type="text"
            inputMode="numeric"
            size={9}
            placeholder={count(offset + 1)}
            onKeyDown={(event) => {
              if (event.key !== "Enter") return;
              event.preventDefault();
              const wanted = Number(event.currentTarget.value.replace(/\D/g, ""));
              if (!(wanted >= 1)) return;
              event.currentTarget.value = "";
              props.onOffset(Math.min(Math.floor((wanted - 1) / limit) * limit, last));
            }}
          />
        </label>
        <Button
          small
          tone="quiet"
          icon="right"
          label={t.next}
          disabled={to >= total}
          onClick={() => props.onOffset(offset + limit)}
        />
        <Button small tone="quiet" icon="last" label={t.last} disabled={to >= total} onClick={() => props.onOffset(last)} />
      </div>
    </nav>
  );
}
