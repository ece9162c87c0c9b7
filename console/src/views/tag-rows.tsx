import type { JSX } from "preact";
import { messages } from "../i18n";
import { Button } from "../ui/basics";

/** Keys and values, a row each. */
export function TagRows(props: {
  tags: readonly [string, string][];
  error?: string | null | undefined;
  onTags: (tags: [string, string][]) => void;
}): JSX.Element {
  const t = messages.value.tags;
  const change = (at: number, part: 0 | 1, text: string): void =>
    props.onTags(props.tags.map(([key, value], index) => (index === at ? (part === 0 ? [text, value] : [key, text]) : [key, value])));
  return (
    <div class="tag-rows">
      {props.tags.length === 0 && <p class="muted">{t.none}</p>}
      {props.tags.map(([key, value], index) => (
        // Rows have no other identity than their place: keys are what is being typed.
        <div class="tag-row" key={index}>
          <input
            aria-label={`${t.key} ${index + 1}`}
            placeholder={t.key}
            value={key}
            maxLength={128}
            spellcheck={false}
            onInput={(event) => change(index, 0, event.currentTarget.value)}
          />
          <input
            aria-label={`${t.value} ${index + 1}`}
            placeholder={t.value}
            value={value}
            maxLength={256}
            spellcheck={false}
            onInput={(event) => change(index, 1, event.currentTarget.value)}
          />
          <Button
            tone="quiet"
            icon="trash"
            label={t.remove(key)}
            onClick={() => props.onTags(props.tags.filter((_, at) => at !== index).map(([k, v]) => [k, v]))}
          />
        </div>
      ))}
      {props.error && (
        <p class="field-error" role="alert">
          {props.error}
        </p>
      )}
      <div class="row">
        <Button small icon="plus" disabled={props.tags.length >= 50} onClick={() => props.onTags([...props.tags.map(([k, v]): [string, string] => [k, v]), ["", ""]])}>
          {t.add}
        </Button>
      </div>
    </div>
  );
}
