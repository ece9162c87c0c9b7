import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { count } from "../format";
import { messages } from "../i18n";
import type { Json } from "../logic/json";

/** Children drawn at once: a message may hold an array of a hundred thousand. */
const SHOWN_AT_ONCE = 200;
const OPEN_DEPTH = 3;

/** A JSON value that opens and closes, drawn only where it is open. */
export function JsonTree({ value }: { value: Json }): JSX.Element {
  return (
    <div class="json-tree mono" role="tree" aria-label="JSON">
      <Node value={value} depth={0} name={null} />
    </div>
  );
}

function Node({ value, depth, name }: { value: Json; depth: number; name: string | null }): JSX.Element {
  const label = name !== null && <span class="json-key">{name}: </span>;
  if (value.kind !== "object" && value.kind !== "array") {
    return (
      <div class="json-leaf" role="treeitem">
        {label}
        <Scalar value={value} />
      </div>
    );
  }
  return <Branch value={value} depth={depth} label={label} />;
}

function Scalar({ value }: { value: Json }): JSX.Element {
  if (value.kind === "string") return <span class="json-string">{JSON.stringify(value.value)}</span>;
  if (value.kind === "number") return <span class="json-number">{value.text}</span>;
  return <span class="json-literal">{value.kind === "literal" ? value.text : ""}</span>;
}

function Branch(props: {
  value: Extract<Json, { kind: "object" | "array" }>;
  depth: number;
  label: JSX.Element | false;
}): JSX.Element {
  const { value, depth, label } = props;
  const children: [string, Json][] =
    value.kind === "object" ? value.entries : value.items.map((item, index): [string, Json] => [String(index), item]);
  const [open, setOpen] = useState(depth < OPEN_DEPTH && children.length <= SHOWN_AT_ONCE);
  const [shown, setShown] = useState(SHOWN_AT_ONCE);
  const [start, end] = value.kind === "object" ? ["{", "}"] : ["[", "]"];
  if (children.length === 0) {
    return (
      <div class="json-leaf" role="treeitem">
        {label}
        {start}
        {end}
      </div>
    );
  }
  return (
    <div class="json-branch" role="treeitem" aria-expanded={open}>
      <button type="button" class="json-toggle" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span class="json-arrow" aria-hidden="true">
          {open ? "▾" : "▸"}
        </span>
        {label}
        {start}
        {!open && (
          <>
            <span class="muted"> {count(children.length)} </span>
            {end}
          </>
        )}
      </button>
      {open && (
        <div class="json-children" role="group">
          {children.slice(0, shown).map(([key, child], index) => (
            <Node key={index} value={child} depth={depth + 1} name={key} />
          ))}
          {children.length > shown && (
            <button type="button" class="link" onClick={() => setShown(shown + SHOWN_AT_ONCE)}>
              {messages.value.common.more(count(children.length - shown))}
            </button>
          )}
        </div>
      )}
      {open && <div class="json-end">{end}</div>}
    </div>
  );
}
