import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { api } from "../api/client";
import type { QueueRow } from "../api/types";
import { bytes, count, duration } from "../format";
import { messages } from "../i18n";
import {
  LIMITS,
  NAME_LENGTH,
  fullName,
  prettyPolicy,
  problems,
  type NumericField,
  type Problem,
  type Problems,
  type QueueForm,
} from "../logic/attributes";
import { Button } from "../ui/basics";
import { Check, Choice, Field, SelectField, TextField } from "../ui/fields";
import { TagRows } from "./tag-rows";

export type Words = Partial<Record<keyof QueueForm, string | undefined>>;

/** What is wrong with the form, as data and in words. */
export function useProblems(form: QueueForm, ownArn: string | null): { found: Problems; words: Words } {
  const found = useMemo(() => problems(form, ownArn), [form, ownArn]);
  const entries = Object.entries(found) as [keyof QueueForm, Problem][];
  return { found, words: Object.fromEntries(entries.map(([field, problem]) => [field, inWords(problem)])) };
}

export function inWords(problem: Problem): string {
  const t = messages.value.problems;
  switch (problem.kind) {
    case "range":
      return t.range(count(problem.least), count(problem.most));
    case "json":
      return t.json(count(problem.line), count(problem.column));
    default:
      return t[problem.kind];
  }
}

interface Props {
  form: QueueForm;
  onForm: (form: QueueForm) => void;
  words: Words;
  /** A queue that is there already: its name and type stay as they are, and its tags and policy have pages of their own. */
  existing?: boolean;
}

export function QueueFormFields({ form, onForm, words, existing = false }: Props): JSX.Element {
  const set = <K extends keyof QueueForm>(key: K, value: QueueForm[K]): void => onForm({ ...form, [key]: value });
  const parts = { form, set, onForm, words, existing };
  return (
    <>
      {!existing && <Identity {...parts} />}
      <Delivery {...parts} />
      {form.fifo && <Fifo {...parts} />}
      <DeadLetters {...parts} />
      <Encryption {...parts} />
      {!existing && <Policy {...parts} />}
      {!existing && <Tags {...parts} />}
    </>
  );
}

interface Parts {
  form: QueueForm;
  set: <K extends keyof QueueForm>(key: K, value: QueueForm[K]) => void;
  onForm: (form: QueueForm) => void;
  words: Words;
  existing: boolean;
}

function Identity({ form, set, onForm, words }: Parts): JSX.Element {
  const t = messages.value.form;
  return (
    <fieldset class="card">
      <legend>{t.identity}</legend>
      <div class="field">
        <Choice
          label={t.type}
          value={form.fifo ? "fifo" : "standard"}
          options={[
            { value: "standard", label: <TypeCard title={t.standard} text={t.standardText} /> },
            { value: "fifo", label: <TypeCard title="FIFO" text={t.fifoText} /> },
          ]}
          onValue={(value) => onForm({ ...form, fifo: value === "fifo", name: form.name.replace(/\.fifo$/, "") })}
        />
      </div>
      <TextField
        label={t.name}
        value={form.name}
        error={words.name}
        hint={form.fifo ? t.fifoName(fullName({ name: form.name === "" ? "…" : form.name, fifo: true })) : t.nameHint}
        aside={`${count(fullName(form).length)} / ${count(NAME_LENGTH)}`}
        mono
        autofocus
        onValue={(name) => set("name", name)}
      />
    </fieldset>
  );
}

function TypeCard({ title, text }: { title: string; text: string }): JSX.Element {
  return (
    <span class="type-card">
      <b>{title}</b>
      <span>{text}</span>
    </span>
  );
}

function NumberField(props: Parts & { field: NumericField; label: string; hint: string; show: "seconds" | "bytes" | "count" }): JSX.Element {
  const { form, set, words, field } = props;
  const value = form[field];
  const [least, most] = LIMITS[field];
  const number = Number(value);
  const known = value !== "" && Number.isFinite(number);
  const unit = messages.value.units;
  const shown = { seconds: () => duration(number * 1000, "long"), bytes: () => bytes(number), count: () => "" }[props.show];
  return (
    <TextField
      label={props.label}
      value={value}
      error={words[field]}
      hint={props.hint}
      inputMode="numeric"
      aside={known && shown() !== "" ? shown() : `${count(least)} – ${count(most)}${props.show === "seconds" ? ` ${unit.seconds}` : ""}`}
      onValue={(text) => set(field, text.trim())}
    />
  );
}

function Delivery(parts: Parts): JSX.Element {
  const t = messages.value.form;
  return (
    <fieldset class="card">
      <legend>{t.delivery}</legend>
      <div class="form-grid">
        <NumberField {...parts} field="visibilityTimeout" label={t.visibilityTimeout} hint={t.visibilityTimeoutHint} show="seconds" />
        <NumberField {...parts} field="retention" label={t.retention} hint={t.retentionHint} show="seconds" />
        <NumberField {...parts} field="delay" label={t.delay} hint={t.delayHint} show="seconds" />
        <NumberField {...parts} field="receiveWait" label={t.receiveWait} hint={t.receiveWaitHint} show="seconds" />
        <NumberField {...parts} field="maximumMessageSize" label={t.maximumMessageSize} hint={t.maximumMessageSizeHint} show="bytes" />
      </div>
    </fieldset>
  );
}

function Fifo({ form, set, onForm, words }: Parts): JSX.Element {
  const t = messages.value.form;
  return (
    <fieldset class="card">
      <legend>FIFO</legend>
      <Check
        label={t.contentBased}
        hint={t.contentBasedHint}
        checked={form.contentBasedDeduplication}
        onValue={(on) => set("contentBasedDeduplication", on)}
      />
      <div class="form-grid">
        <SelectField
          label={t.scope}
          hint={t.scopeHint}
          value={form.deduplicationScope}
          options={[
            { value: "queue", label: t.scopeQueue },
            { value: "messageGroup", label: t.scopeGroup },
          ]}
          onValue={(deduplicationScope) =>
            // Throughput by group needs deduplication by group: leaving the one leaves the other.
            onForm({
              ...form,
              deduplicationScope,
              fifoThroughputLimit: deduplicationScope === "queue" ? "perQueue" : form.fifoThroughputLimit,
            })
          }
        />
        <SelectField
          label={t.throughput}
          hint={t.throughputHint}
          error={words.fifoThroughputLimit}
          value={form.fifoThroughputLimit}
          options={[
            { value: "perQueue", label: t.throughputQueue },
            { value: "perMessageGroupId", label: t.throughputGroup },
          ]}
          onValue={(limit) => set("fifoThroughputLimit", limit)}
        />
      </div>
    </fieldset>
  );
}

/** Queues of the form's type, to pick from. */
export function useCandidates(fifo: boolean | null): QueueRow[] {
  const [rows, setRows] = useState<QueueRow[]>([]);
  useEffect(() => {
    const stop = new AbortController();
    const kind = fifo === null ? {} : { kind: fifo ? "fifo" : "standard" };
    // A list to choose from is a help, not a need: the ARN can always be typed.
    api.queues({ ...kind, limit: 200 }, stop.signal).then(
      (page) => setRows(page.queues.filter((row) => fifo === null || row.fifo === fifo)),
      () => undefined,
    );
    return () => stop.abort();
  }, [fifo]);
  return rows;
}

function DeadLetters(parts: Parts): JSX.Element {
  const { form, set, words } = parts;
  const t = messages.value.form;
  const candidates = useCandidates(form.fifo);
  return (
    <fieldset class="card">
      <legend>{t.deadLetters}</legend>
      <div class="form-grid">
        <TextField
          label={t.deadLetterQueue}
          hint={t.deadLetterQueueHint}
          error={words.deadLetterArn}
          value={form.deadLetterArn}
          mono
          placeholder={t.deadLetterNone}
          list={candidates.map((row) => row.arn)}
          onValue={(arn) => set("deadLetterArn", arn.trim())}
        />
        {form.deadLetterArn !== "" && (
          <NumberField {...parts} field="maxReceiveCount" label={t.maxReceives} hint={t.maxReceivesHint} show="count" />
        )}
      </div>
      <div class="form-grid">
        <SelectField
          label={t.redriveAllow}
          hint={t.redriveAllowHint}
          value={form.redrivePermission}
          options={[
            { value: "allowAll", label: t.allowAll },
            { value: "denyAll", label: t.denyAll },
            { value: "byQueue", label: t.byQueue },
          ]}
          onValue={(permission) => set("redrivePermission", permission)}
        />
        {form.redrivePermission === "byQueue" && (
          <Field label={t.redriveSources} hint={t.redriveSourcesHint} error={words.redriveSources}>
            {(attributes) => (
              <textarea
                {...attributes}
                class="mono"
                rows={3}
                spellcheck={false}
                value={form.redriveSources.join("\n")}
                onInput={(event) =>
                  set(
                    "redriveSources",
                    event.currentTarget.value.split(/[\s,]+/).filter((arn) => arn !== ""),
                  )
                }
              />
            )}
          </Field>
        )}
      </div>
    </fieldset>
  );
}

function Encryption(parts: Parts): JSX.Element {
  const { form, set, words } = parts;
  const t = messages.value.form;
  return (
    <fieldset class="card">
      <legend>{t.encryption}</legend>
      <div class="form-grid">
        <SelectField
          label={t.encryptionKind}
          hint={t.encryptionHints[form.encryption]}
          value={form.encryption}
          options={[
            { value: "sqs", label: t.encryptionSqs },
            { value: "kms", label: t.encryptionKms },
            { value: "none", label: t.encryptionNone },
          ]}
          onValue={(encryption) => set("encryption", encryption)}
        />
        {form.encryption === "kms" && (
          <>
            <TextField label={t.kmsKey} hint={t.kmsKeyHint} error={words.kmsKey} value={form.kmsKey} mono onValue={(key) => set("kmsKey", key)} />
            <NumberField {...parts} field="kmsReuse" label={t.kmsReuse} hint={t.kmsReuseHint} show="seconds" />
          </>
        )}
      </div>
    </fieldset>
  );
}

function Policy({ form, set, words }: Parts): JSX.Element {
  return (
    <fieldset class="card">
      <legend>{messages.value.form.policy}</legend>
      <PolicyEditor value={form.policy} error={words.policy} onValue={(policy) => set("policy", policy)} />
    </fieldset>
  );
}

export function PolicyEditor(props: {
  value: string;
  error?: string | null | undefined;
  onValue: (value: string) => void;
  rows?: number;
}): JSX.Element {
  const t = messages.value.form;
  return (
    <>
      <Field label={t.policyDocument} hint={t.policyHint} error={props.error ?? null}>
        {(attributes) => (
          <textarea
            {...attributes}
            class="mono"
            rows={props.rows ?? (props.value === "" ? 4 : 14)}
            spellcheck={false}
            value={props.value}
            placeholder={'{"Version": "2012-10-17", "Statement": […]}'}
            onInput={(event) => props.onValue(event.currentTarget.value)}
          />
        )}
      </Field>
      <div class="row">
        <Button small disabled={Boolean(props.error) || props.value === ""} onClick={() => props.onValue(prettyPolicy(props.value))}>
          {messages.value.common.format}
        </Button>
      </div>
    </>
  );
}

function Tags({ form, set, words }: Parts): JSX.Element {
  return (
    <fieldset class="card">
      <legend>{messages.value.tags.title}</legend>
      <TagRows tags={form.tags} error={words.tags} onTags={(tags) => set("tags", tags)} />
    </fieldset>
  );
}
