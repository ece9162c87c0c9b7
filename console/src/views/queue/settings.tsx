import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { api } from "../../api/client";
import { count } from "../../format";
import { messages } from "../../i18n";
import { attributesOf, formOf } from "../../logic/attributes";
import { setGuard } from "../../router";
import { Button } from "../../ui/basics";
import { ErrorNotice } from "../../ui/errors";
import { toast } from "../../ui/toasts";
import { QueueFormFields, useProblems } from "../queue-form";
import type { TabProps } from "./queue";

/** Changes a queue's attributes; only those that differ are sent. */
export function SettingsTab({ queue, reload }: TabProps): JSX.Element {
  const t = messages.value.form;
  // What the form began with: the server's live news must not pull the ground from under what is being typed.
  const [before, setBefore] = useState(() => formOf(queue.name, queue.attributes, queue.tags));
  const [form, setForm] = useState(before);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const { found, words } = useProblems(form, queue.arn);
  const changes = attributesOf(form, before);
  const changed = Object.keys(changes);
  useEffect(() => {
    setGuard(changed.length === 0 ? null : () => window.confirm(messages.value.form.leave));
    return () => setGuard(null);
  }, [changed.length === 0]);

  const save = async (): Promise<void> => {
    if (changed.length === 0 || Object.keys(found).length > 0) return;
    setBusy(true);
    setError(null);
    try {
      await api.sqs("SetQueueAttributes", { QueueUrl: queue.url, Attributes: changes });
      const now = await api.queue(queue.name);
      const next = formOf(queue.name, now.attributes, now.tags);
      setBefore(next);
      setForm(next);
      toast({ tone: "success", text: t.saved });
      reload();
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  return (
    <form
      class="form-page"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <QueueFormFields form={form} onForm={setForm} words={words} existing />
      {error !== null && <ErrorNotice error={error} />}
      <div class="form-foot">
        <span class="muted grow" aria-live="polite">
          {changed.length === 0 ? t.noChanges : t.changes(count(changed.length), changed.join(", "))}
        </span>
        <Button disabled={changed.length === 0 || busy} onClick={() => setForm(before)}>
          {t.revert}
        </Button>
        <Button tone="primary" submit busy={busy} disabled={changed.length === 0 || Object.keys(found).length > 0}>
          {messages.value.common.save}
        </Button>
      </div>
    </form>
  );
}
