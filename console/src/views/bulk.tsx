import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { api } from "../api/client";
import { compareNames, count } from "../format";
import { messages } from "../i18n";
import { explain } from "../i18n/errors";
import { Button, Notice, Progress } from "../ui/basics";
import { Dialog } from "../ui/dialog";
import { TextField } from "../ui/fields";
import { toast } from "../ui/toasts";

export type BulkKind = "purge" | "delete" | "tag";

interface Failure {
  name: string;
  text: string;
  code: string;
}

/** Does one thing to several queues, one after the other, and says for each that failed why. */
export function BulkDialog(props: {
  kind: BulkKind;
  queues: string[];
  onClose: () => void;
  /** Told which queues are still chosen: those with which it did not work. */
  onDone: (left: string[]) => void;
}): JSX.Element {
  const t = messages.value;
  const [typed, setTyped] = useState("");
  const [key, setKey] = useState("");
  const [value, setValue] = useState("");
  const [done, setDone] = useState<number | null>(null);
  const [failures, setFailures] = useState<Failure[]>([]);
  const names = [...props.queues].sort(compareNames);
  // Several names would be tedious to type; their number is what has to be known.
  const phrase = names.length === 1 ? (names[0] as string) : String(names.length);
  const ready = props.kind === "tag" ? key.trim() !== "" : typed === phrase;
  const busy = done !== null;

  const one = (name: string): Promise<unknown> => {
    if (props.kind === "purge") return api.sqs("PurgeQueue", { QueueUrl: name });
    if (props.kind === "delete") return api.sqs("DeleteQueue", { QueueUrl: name });
    return api.sqs("TagQueue", { QueueUrl: name, Tags: { [key.trim()]: value } });
  };
  const run = async (): Promise<void> => {
    if (!ready || busy) return;
    const failed = await runOverAll(names, one, setDone);
    setDone(null);
    setFailures(failed);
    props.onDone(failed.map((failure) => failure.name));
    if (failed.length === 0) {
      toast({ tone: "success", text: t.bulk.done[props.kind](count(names.length)) });
      props.onClose();
    }
  };
  return (
    <Dialog
      title={t.bulk.titles[props.kind](count(names.length))}
      onClose={() => !busy && props.onClose()}
      onSubmit={() => void run()}
      footer={
        <>
          <Button onClick={props.onClose} disabled={busy}>
            {t.common.cancel}
          </Button>
          <Button tone={props.kind === "tag" ? "primary" : "danger"} submit busy={busy} disabled={!ready}>
            {t.bulk.actions[props.kind]}
          </Button>
        </>
      }
    >
      {props.kind !== "tag" && <p>{t.bulk.texts[props.kind]}</p>}
      <ul class="name-list mono" tabIndex={0} aria-label={t.queues.title}>
        {names.map((name) => (
          <li key={name}>{name}</li>
        ))}
      </ul>
      {props.kind === "tag" ? (
        <div class="form-grid">
          <TextField label={t.tags.key} value={key} onValue={setKey} autofocus maxLength={128} />
          <TextField label={t.tags.value} value={value} onValue={setValue} maxLength={256} />
        </div>
      ) : (
        <TextField label={t.common.typeToConfirm(phrase)} value={typed} onValue={setTyped} mono autofocus />
      )}
      {done !== null && (
        <Progress value={done} of={names.length} label={t.bulk.progress}>
          {count(done)} / {count(names.length)}
        </Progress>
      )}
      {failures.length > 0 && <Failures failures={failures} />}
    </Dialog>
  );
}

function Failures({ failures }: { failures: Failure[] }): JSX.Element {
  return (
    <Notice tone="error">
      {messages.value.bulk.failed(count(failures.length))}
      <ul class="failures">
        {failures.map((failure) => (
          <li key={failure.name}>
            <span class="mono">{failure.name}</span>: {failure.text} <code>{failure.code}</code>
          </li>
        ))}
      </ul>
    </Notice>
  );
}

/** Does it to one queue after the other. */
async function runOverAll(
  names: string[],
  one: (name: string) => Promise<unknown>,
  onProgress: (done: number) => void,
): Promise<Failure[]> {
  const failed: Failure[] = [];
  for (const [index, name] of names.entries()) {
    onProgress(index);
    try {
      await one(name);
    } catch (error) {
      failed.push({ name, ...explain(error) });
    }
  }
  return failed;
}
