import type { JSX } from "preact";
import { useMemo, useRef } from "preact/hooks";
import { bytes, count } from "../format";
import { messages } from "../i18n";
import { MOST_ATTRIBUTES, lineEndOf, measured, sizeOf, withLineEnd, type AttributeDraft, type Draft, type DraftProblems, type QueueRules } from "../logic/draft";
import { JsonError, parseJson, tryJson, writeJson } from "../logic/json";
import { withDigits } from "../logic/template";
import { Badge, Button } from "../ui/basics";
import { Field, TextField } from "../ui/fields";

/** The fields of a message that is being written: body, attributes, and what the type of the queue asks for. */
export function MessageFields(props: {
  draft: Draft;
  onDraft: (draft: Draft) => void;
  problems: DraftProblems;
  rules: QueueRules;
  rows?: number;
  /** The bodies come from a file. */
  withoutBody?: boolean;
}): JSX.Element {
  const { draft, onDraft, problems, rules } = props;
  const t = messages.value.send;
  const set = <K extends keyof Draft>(key: K, value: Draft[K]): void => onDraft({ ...draft, [key]: value });
  const words = (key: keyof DraftProblems): string | null => {
    const problem = problems[key];
    return problem ? t.problems[problem] : null;
  };
  return (
    <>
      {!props.withoutBody && (
        <BodyEditor value={draft.body} error={words("body")} draft={draft} rules={rules} rows={props.rows ?? 10} onValue={(body) => set("body", body)} />
      )}
      <div class="form-grid three">
        <TextField
          label={rules.fifo ? t.group : t.fairGroup}
          hint={rules.fifo ? t.groupHint : t.fairGroupHint}
          error={words("groupId")}
          value={draft.groupId}
          mono
          onValue={(value) => set("groupId", value)}
        />
        {rules.fifo ? (
          <TextField
            label={t.deduplication}
            hint={rules.contentBased ? t.deduplicationOptional : t.deduplicationHint}
            error={words("deduplicationId")}
            value={draft.deduplicationId}
            mono
            onValue={(value) => set("deduplicationId", value)}
          />
        ) : (
          <TextField
            label={t.delay}
            hint={t.delayHint}
            error={words("delay")}
            value={draft.delay}
            inputMode="numeric"
            onValue={(value) => set("delay", value.trim())}
          />
        )}
      </div>
      <AttributeRows rows={draft.attributes} error={words("attributes")} onRows={(rows) => set("attributes", rows)} />
    </>
  );
}

function BodyEditor(props: {
  value: string;
  error: string | null;
  draft: Draft;
  rules: QueueRules;
  rows: number;
  onValue: (value: string) => void;
}): JSX.Element {
  const t = messages.value.send;
  const { value } = props;
  const state = useMemo(() => jsonState(value), [value]);
  const size = useMemo(() => sizeOf(measured(props.draft, props.rules)), [props.draft, props.rules.asWritten]);
  // A field of a page knows one line end only; what the body had is remembered while it has none.
  const lineEnd = useRef("\n");
  lineEnd.current = lineEndOf(value) ?? lineEnd.current;
  const lay = (indent: number): void => {
    const parsed = tryJson(value);
    if (parsed) props.onValue(writeJson(parsed, indent));
  };
  return (
    <Field
      label={t.body}
      error={props.error}
      aside={`${bytes(size)} / ${bytes(props.rules.maximumBytes)}`}
      hint={
        <span class="row spread">
          <span aria-live="polite">
            {state === null ? (
              t.text
            ) : state === "valid" || state === "template" ? (
              <Badge tone="good">{t.validJson}</Badge>
            ) : (
              <span class="warn-text">{t.invalidJson(count(state.line), count(state.column))}</span>
            )}
          </span>
          <span class="row tight">
            <Button small tone="quiet" disabled={state !== "valid"} onClick={() => lay(2)}>
              {messages.value.common.format}
            </Button>
            <Button small tone="quiet" disabled={state !== "valid"} onClick={() => lay(0)}>
              {t.minify}
            </Button>
          </span>
        </span>
      }
    >
      {(attributes) => (
        <textarea
          {...attributes}
          class="mono body-editor"
          rows={props.rows}
          spellcheck={false}
          value={withLineEnd(value, "\n")}
          placeholder={'{"order": {{n}}}'}
          onInput={(event) => props.onValue(withLineEnd(event.currentTarget.value, lineEnd.current))}
        />
      )}
    </Field>
  );
}

/** Whether a text is JSON, will be once its placeholders are filled, is meant to be and is not, or is something else (null). */
function jsonState(text: string): "valid" | "template" | null | { line: number; column: number } {
  if (!/^\s*[[{]/.test(text)) return null;
  // A placeholder that stands for a number makes JSON only once it is filled.
  const sample = withDigits(text);
  if (tryJson(text)) return "valid";
  try {
    parseJson(sample);
    return "template";
  } catch (error) {
    return error instanceof JsonError ? { line: error.line, column: error.column } : null;
  }
}

function AttributeRows(props: { rows: AttributeDraft[]; error: string | null; onRows: (rows: AttributeDraft[]) => void }): JSX.Element {
  const t = messages.value.send;
  const change = (at: number, part: Partial<AttributeDraft>): void =>
    props.onRows(props.rows.map((row, index) => (index === at ? { ...row, ...part } : row)));
  return (
    <fieldset class="plain">
      <legend>{t.attributes}</legend>
      {props.rows.map((row, index) => (
        <div class="attribute-row" key={index}>
          <input
            class="mono"
            aria-label={`${t.attributeName} ${index + 1}`}
            placeholder={t.attributeName}
            value={row.name}
            spellcheck={false}
            onInput={(event) => change(index, { name: event.currentTarget.value })}
          />
          <input
            class="mono"
            aria-label={`${t.attributeType} ${index + 1}`}
            list="attribute-types"
            value={row.type}
            spellcheck={false}
            onInput={(event) => change(index, { type: event.currentTarget.value })}
          />
          <input
            class="mono"
            aria-label={`${t.attributeValue} ${index + 1}`}
            placeholder={row.type.startsWith("Binary") ? "Base64" : t.attributeValue}
            value={row.value}
            spellcheck={false}
            onInput={(event) => change(index, { value: event.currentTarget.value })}
          />
          <Button
            tone="quiet"
            icon="trash"
            label={messages.value.tags.remove(row.name)}
            onClick={() => props.onRows(props.rows.filter((_, at) => at !== index))}
          />
        </div>
      ))}
      <datalist id="attribute-types">
        <option value="String" />
        <option value="Number" />
        <option value="Binary" />
      </datalist>
      {props.error && (
        <p class="field-error" role="alert">
          {props.error}
        </p>
      )}
      <Button
        small
        icon="plus"
        disabled={props.rows.length >= MOST_ATTRIBUTES}
        onClick={() => props.onRows([...props.rows, { name: "", type: "String", value: "" }])}
      >
        {t.addAttribute}
      </Button>
    </fieldset>
  );
}
