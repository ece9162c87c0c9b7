import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { api } from "../../api/client";
import { messages } from "../../i18n";
import { policyProblem, prettyPolicy } from "../../logic/attributes";
import { setGuard } from "../../router";
import { Badge, Button, Empty, Notice } from "../../ui/basics";
import { ConfirmDialog, Dialog } from "../../ui/dialog";
import { ErrorNotice } from "../../ui/errors";
import { Check, TextField } from "../../ui/fields";
import { toast } from "../../ui/toasts";
import { PolicyEditor, inWords } from "../queue-form";
import type { TabProps } from "./queue";

interface Statement {
  Sid?: string;
  Effect?: string;
  Principal?: unknown;
  Action?: unknown;
  Condition?: unknown;
}

/** Who may do what with the queue: its policy read as a table, as a text, and by AddPermission. */
export function AccessTab({ queue, reload }: TabProps): JSX.Element {
  const t = messages.value.access;
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<string | null>(null);
  const statements = statementsOf(queue.attributes["Policy"] ?? "");
  return (
    <>
      <section class="card">
        <div class="card-head">
          <h2>{t.statements}</h2>
          <Button small icon="plus" onClick={() => setAdding(true)}>
            {t.add}
          </Button>
        </div>
        {statements.length === 0 ? (
          <Empty title={t.none}>{t.noneText}</Empty>
        ) : (
          <StatementTable statements={statements} onRemove={setRemoving} />
        )}
      </section>
      <Document queue={queue} reload={reload} />
      {adding && <AddPermission url={queue.url} onClose={() => setAdding(false)} onDone={reload} />}
      {removing !== null && (
        <ConfirmDialog
          title={t.remove(removing)}
          action={messages.value.common.remove}
          onClose={() => setRemoving(null)}
          onConfirm={async () => {
            await api.sqs("RemovePermission", { QueueUrl: queue.url, Label: removing });
            reload();
          }}
        >
          <p>{t.removeText}</p>
        </ConfirmDialog>
      )}
    </>
  );
}

function Document({ queue, reload }: Pick<TabProps, "queue" | "reload">): JSX.Element {
  const t = messages.value.access;
  const stored = queue.attributes["Policy"] ?? "";
  const [before, setBefore] = useState(stored);
  const [text, setText] = useState(prettyPolicy(stored));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const dirty = text !== prettyPolicy(before);
  /** What somebody else stored while something was typed here. Nothing is saved until one of the two was chosen. */
  const [theirs, setTheirs] = useState<string | null>(null);
  const [removing, setRemoving] = useState(false);
  const problem = policyProblem(text);
  const take = (policy: string): void => {
    setBefore(policy);
    setText(prettyPolicy(policy));
    setTheirs(null);
  };
  // Follows what others change for as long as nothing was typed here.
  useEffect(() => {
    if (stored === before) setTheirs(null);
    else if (dirty) setTheirs(stored);
    else take(stored);
  }, [stored]);
  useEffect(() => {
    setGuard(dirty ? () => window.confirm(messages.value.form.leave) : null);
    return () => setGuard(null);
  }, [dirty]);
  const store = async (policy: string): Promise<void> => {
    await api.sqs("SetQueueAttributes", { QueueUrl: queue.url, Attributes: { Policy: policy } });
    take(policy);
    toast({ tone: "success", text: messages.value.form.saved });
    reload();
  };
  const save = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await store(text.trim());
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  return (
    <>
      <form
        class="card form-page"
        onSubmit={(event) => {
          event.preventDefault();
          if (!problem && dirty && theirs === null && !busy) void save();
        }}
      >
        <h2>{t.document}</h2>
        <PolicyEditor value={text} error={problem && inWords(problem)} onValue={setText} rows={18} />
        {theirs !== null && (
          <Notice tone="warning">
            <p>{t.conflict}</p>
            <div class="row">
              <Button small onClick={() => take(theirs)}>
                {t.takeTheirs}
              </Button>
              <Button
                small
                tone="danger"
                onClick={() => {
                  setBefore(theirs);
                  setTheirs(null);
                }}
              >
                {t.keepMine}
              </Button>
            </div>
          </Notice>
        )}
        {error !== null && <ErrorNotice error={error} />}
        <div class="row end">
          <Button tone="danger" disabled={stored === "" || busy} onClick={() => setRemoving(true)}>
            {t.removeAll}
          </Button>
          <Button disabled={!dirty} onClick={() => take(theirs ?? before)}>
            {messages.value.form.revert}
          </Button>
          <Button tone="primary" submit busy={busy} disabled={!dirty || problem !== null || theirs !== null}>
            {messages.value.common.save}
          </Button>
        </div>
      </form>
      {removing && (
        <ConfirmDialog title={t.removeAll} action={messages.value.common.remove} onClose={() => setRemoving(false)} onConfirm={() => store("")}>
          <p>{t.removeAllText}</p>
        </ConfirmDialog>
      )}
    </>
  );
}

function statementsOf(policy: string): Statement[] {
  try {
    const parsed = JSON.parse(policy === "" ? "{}" : policy) as { Statement?: Statement | Statement[] };
    return parsed.Statement === undefined ? [] : [parsed.Statement].flat();
  } catch {
    return [];
  }
}

function listing(value: unknown): string[] {
  if (value === undefined || value === null) return ["–"];
  if (Array.isArray(value)) return value.map(String);
  if (typeof value === "object") return Object.values(value).flat().map(String);
  return [String(value)];
}

function StatementTable(props: { statements: Statement[]; onRemove: (label: string) => void }): JSX.Element {
  const t = messages.value.access;
  return (
    <div class="table-wrap">
      <table>
        <thead>
          <tr>
            <th>{t.label}</th>
            <th>{t.effect}</th>
            <th>{t.who}</th>
            <th>{t.actions}</th>
            <th class="hide-narrow">{t.condition}</th>
            <th />
          </tr>
        </thead>
        <tbody>
          {props.statements.map((one, index) => (
            <tr key={one.Sid ?? index}>
              <td class="mono">{one.Sid ?? "–"}</td>
              <td>
                <Badge tone={one.Effect === "Deny" ? "bad" : "good"}>{one.Effect ?? "–"}</Badge>
              </td>
              <td class="mono break">{listing(one.Principal).join("\n")}</td>
              <td class="mono break">{listing(one.Action).join("\n")}</td>
              <td class="hide-narrow mono break">{one.Condition ? JSON.stringify(one.Condition) : "–"}</td>
              <td>
                {one.Sid && (
                  <Button small tone="quiet" icon="trash" label={t.remove(one.Sid)} onClick={() => props.onRemove(one.Sid as string)} />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const ACTIONS = [
  "SendMessage",
  "ReceiveMessage",
  "DeleteMessage",
  "ChangeMessageVisibility",
  "GetQueueAttributes",
  "GetQueueUrl",
  "ListDeadLetterSourceQueues",
  "PurgeQueue",
] as const;
const MOST_ACTIONS = 7;

function AddPermission(props: { url: string; onClose: () => void; onDone: () => void }): JSX.Element {
  const t = messages.value.access;
  const [label, setLabel] = useState("");
  const [accounts, setAccounts] = useState("");
  const [actions, setActions] = useState<ReadonlySet<string>>(new Set(["SendMessage"]));
  const [everything, setEverything] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const ids = accounts.split(/[\s,]+/).filter((id) => id !== "");
  const labelProblem = label !== "" && !/^[A-Za-z0-9_-]{1,80}$/.test(label) ? t.labelRule : null;
  const accountProblem = ids.some((id) => !/^\d{12}$/.test(id)) ? t.accountRule : null;
  const ready = label !== "" && ids.length > 0 && !labelProblem && !accountProblem && (everything || actions.size > 0);
  const submit = async (): Promise<void> => {
    if (!ready || busy) return;
    setBusy(true);
    setError(null);
    try {
      await api.sqs("AddPermission", {
        QueueUrl: props.url,
        Label: label,
        AWSAccountIds: ids,
        Actions: everything ? ["*"] : [...actions],
      });
      toast({ tone: "success", text: t.added(label) });
      props.onDone();
      props.onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={t.add}
      onClose={props.onClose}
      onSubmit={() => void submit()}
      footer={
        <>
          <Button onClick={props.onClose}>{messages.value.common.cancel}</Button>
          <Button tone="primary" submit busy={busy} disabled={!ready}>
            {t.add}
          </Button>
        </>
      }
    >
      <TextField label={t.label} hint={t.labelHint} error={labelProblem} value={label} onValue={setLabel} mono autofocus />
      <TextField label={t.accounts} hint={t.accountsHint} error={accountProblem} value={accounts} onValue={setAccounts} mono />
      <fieldset class="plain">
        <legend>{t.actions}</legend>
        <Check label={t.everyAction} checked={everything} onValue={setEverything} />
        {ACTIONS.map((action) => (
          <Check
            key={action}
            label={<span class="mono">{action}</span>}
            checked={everything || actions.has(action)}
            disabled={everything || (!actions.has(action) && actions.size >= MOST_ACTIONS)}
            onValue={(on) => {
              const next = new Set(actions);
              if (on) next.add(action);
              else next.delete(action);
              setActions(next);
            }}
          />
        ))}
      </fieldset>
      {error !== null && <ErrorNotice error={error} />}
    </Dialog>
  );
}
