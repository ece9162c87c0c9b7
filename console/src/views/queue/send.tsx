import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Outgoing, QueueDetail } from "../../api/types";
import { bytes, count, rate } from "../../format";
import { messages } from "../../i18n";
import {
  EMPTY_DRAFT,
  MOST_BYTES,
  draftProblems,
  outgoing,
  splitFile,
  type Draft,
  type DraftProblems,
  type FileSplit,
  type QueueRules,
} from "../../logic/draft";
import { PLACEHOLDERS } from "../../logic/template";
import { setGuard } from "../../router";
import { Button, Notice, Progress } from "../../ui/basics";
import { ErrorNotice } from "../../ui/errors";
import { SelectField, TextField } from "../../ui/fields";
import { MessageFields } from "../message-fields";
import type { TabProps } from "./queue";
import { useSender, type Sending } from "./sending";

const MOST_REPEATS = 1_000_000;
const MOST_FILE_BYTES = 64 * 1024 * 1024;

export function rulesOf(queue: QueueDetail): QueueRules {
  return {
    fifo: queue.fifo,
    contentBased: queue.attributes["ContentBasedDeduplication"] === "true",
    maximumBytes: Number(queue.attributes["MaximumMessageSize"] ?? MOST_BYTES),
  };
}

interface LoadedFile {
  name: string;
  text: string;
}

export function SendTab({ queue }: TabProps): JSX.Element {
  const t = messages.value.send;
  const [draft, setDraft] = useState<Draft>(EMPTY_DRAFT);
  const [repeat, setRepeat] = useState("1");
  const [file, setFile] = useState<LoadedFile | null>(null);
  const [split, setSplit] = useState<FileSplit>("lines");
  const [tried, setTried] = useState(false);
  const { sending, busy, error, send, stop } = useSender(queue);

  const rules = rulesOf(queue);
  const found = draftProblems(file ? { ...draft, body: "x" } : draft, rules);
  const repeats = /^\d{1,7}$/.test(repeat) && Number(repeat) >= 1 && Number(repeat) <= MOST_REPEATS ? Number(repeat) : null;
  const bodies = useMemo(() => file && bodiesOf(file, split), [file, split]);
  const total = (repeats ?? 0) * (file ? (bodies?.length ?? 0) : 1);
  const ready = Object.keys(found).length === 0 && repeats !== null && total > 0;
  useEffect(() => {
    setGuard(busy ? () => window.confirm(messages.value.send.leave) : null);
    return () => setGuard(null);
  }, [busy]);
  const submit = (): void => {
    setTried(true);
    if (ready && !busy) void send(draftMessages(draft, repeats, bodies), total);
  };
  return (
    <form
      class="form-page"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit();
      }}
    >
      <section class="card">
        <MessageFields
          draft={draft}
          onDraft={setDraft}
          problems={tried ? found : withoutMissing(found, draft)}
          rules={rules}
          withoutBody={file !== null}
        />
      </section>
      <Amount wrong={repeats === null} {...{ repeat, setRepeat, file, setFile, split, setSplit, bodies }} />
      {error !== null && <ErrorNotice error={error} />}
      {sending && <SendingState sending={sending} />}
      <div class="form-foot">
        <span class="muted grow hide-narrow">{t.shortcut}</span>
        {busy && (
          <Button key="stop" icon="stop" onClick={stop}>
            {messages.value.common.stop}
          </Button>
        )}
        <Button key="send" tone="primary" icon="send" submit busy={busy} disabled={tried && !ready}>
          {total > 1 ? t.sendMany(count(total)) : t.sendOne}
        </Button>
      </div>
    </form>
  );
}

interface AmountProps {
  repeat: string;
  setRepeat: (repeat: string) => void;
  wrong: boolean;
  file: LoadedFile | null;
  setFile: (file: LoadedFile | null) => void;
  split: FileSplit;
  setSplit: (split: FileSplit) => void;
  bodies: string[] | null;
}

/** How many times, and from what. */
function Amount(props: AmountProps): JSX.Element {
  const t = messages.value.send;
  const { bodies } = props;
  return (
    <section class="card">
      <div class="form-grid three">
        <TextField
          label={t.repeat}
          value={props.repeat}
          inputMode="numeric"
          error={props.wrong ? messages.value.problems.range("1", count(MOST_REPEATS)) : null}
          hint={t.repeatHint}
          onValue={(value) => props.setRepeat(value.trim())}
        />
        <FilePicker file={props.file} onFile={props.setFile} />
        {props.file && (
          <SelectField
            label={t.split}
            value={props.split}
            error={bodies === null ? t.notAnArray : null}
            hint={bodies ? t.fileMessages(count(bodies.length)) : undefined}
            options={[
              { value: "lines", label: t.splitLines },
              { value: "json", label: t.splitJson },
              { value: "whole", label: t.splitWhole },
            ]}
            onValue={props.setSplit}
          />
        )}
      </div>
      <p class="muted small-text">
        {t.placeholders} {PLACEHOLDERS.map((one) => [<code key={one}>{one}</code>, " "])}
      </p>
    </section>
  );
}

/** What is wrong and not merely not there yet: an empty form should not begin with reproaches. */
function withoutMissing(found: DraftProblems, draft: Draft): DraftProblems {
  const kept = Object.entries(found).filter(([, problem]) => !/-(missing|empty)$/.test(problem));
  const unfinished = draft.attributes.some((row) => row.name === "" || row.value === "");
  return Object.fromEntries(kept.filter(([field]) => field !== "attributes" || !unfinished));
}

function bodiesOf(file: LoadedFile, split: FileSplit): string[] | null {
  try {
    return splitFile(file.text, split);
  } catch {
    return null;
  }
}

function* draftMessages(draft: Draft, repeats: number, bodies: string[] | null): Generator<Outgoing> {
  let n = 0;
  for (let round = 0; round < repeats; round += 1) {
    for (const body of bodies ?? [draft.body]) {
      n += 1;
      yield outgoing(draft, n, Date.now(), body);
    }
  }
}

function SendingState({ sending }: { sending: Sending }): JSX.Element {
  const t = messages.value.send;
  const { sent, failed, total, errors, stopped } = sending;
  const seconds = ((sending.endedMs ?? Date.now()) - sending.startedMs) / 1000;
  const speed = seconds > 0.5 ? ` · ${rate(sent / seconds)} ${messages.value.units.perSecond}` : "";
  if (sending.endedMs === null && total > 1) {
    return (
      <Progress value={sent + failed} of={total} label={t.progress}>
        {count(sent)} / {count(total)}
        {speed}
      </Progress>
    );
  }
  return (
    <>
      {stopped && <Notice tone="warning">{t.stopped(count(sent), count(total))}</Notice>}
      {sent > 0 && !stopped && (
        <Notice tone="success">
          {total === 1 ? t.sentOne : t.sent(count(sent), count(total))}
          {speed}
          {sending.lastId && total === 1 && (
            <>
              {" "}
              <code>{sending.lastId}</code>
            </>
          )}
        </Notice>
      )}
      {failed > 0 && (
        <Notice tone="error">
          {t.failed(count(failed))}
          <ul class="failures">
            {[...errors].map(([code, text]) => (
              <li key={code}>
                {text} <code>{code}</code>
              </li>
            ))}
          </ul>
        </Notice>
      )}
    </>
  );
}

function FilePicker({ file, onFile }: { file: LoadedFile | null; onFile: (file: LoadedFile | null) => void }): JSX.Element {
  const t = messages.value.send;
  const input = useRef<HTMLInputElement>(null);
  const [error, setError] = useState<string | null>(null);
  const load = async (chosen: File | undefined): Promise<void> => {
    setError(null);
    if (!chosen) return;
    if (chosen.size > MOST_FILE_BYTES) {
      setError(t.fileTooLong(bytes(MOST_FILE_BYTES)));
      return;
    }
    onFile({ name: chosen.name, text: await chosen.text() });
  };
  return (
    <div class="field">
      <div class="field-label">
        <span id="file-label">{t.file}</span>
      </div>
      <div class="row tight">
        <input
          ref={input}
          type="file"
          class="off-screen"
          tabIndex={-1}
          aria-labelledby="file-label"
          onChange={(event) => {
            void load(event.currentTarget.files?.[0]);
            event.currentTarget.value = "";
          }}
        />
        <Button icon="upload" onClick={() => input.current?.click()}>
          {file ? file.name : t.chooseFile}
        </Button>
        {file && <Button tone="quiet" icon="close" label={t.noFile} onClick={() => onFile(null)} />}
      </div>
      <div class="field-help">{error ? <span class="field-error">{error}</span> : t.fileHint}</div>
    </div>
  );
}
