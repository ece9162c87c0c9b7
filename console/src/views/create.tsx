import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { api } from "../api/client";
import { useLive } from "../api/events";
import { DEFAULTS, attributesOf, formOf, fullName, type QueueForm } from "../logic/attributes";
import { messages } from "../i18n";
import { address, go, setGuard } from "../router";
import { Button, LinkButton, Loading } from "../ui/basics";
import { ErrorNotice } from "../ui/errors";
import { toast } from "../ui/toasts";
import { CopyAsDialog } from "./copy-as";
import { QueueFormFields, useProblems } from "./queue-form";

/** A new queue, from nothing or after the model of another. */
export function CreateView({ like }: { like: string | null }): JSX.Element {
  useLive({}, {});
  const [start, setStart] = useState<QueueForm | null>(like ? null : DEFAULTS);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    if (!like) return;
    api.queue(like).then((queue) => {
      const base = queue.fifo ? like.slice(0, -".fifo".length) : like;
      // The model's policy and permissions name the model itself, so that they would be wrong for its copy.
      setStart({ ...formOf(`${base}-copy`, queue.attributes, queue.tags), policy: "" });
    }, setError);
  }, [like]);
  if (error !== null) return <ErrorNotice error={error} />;
  return start ? <CreateForm start={start} /> : <Loading />;
}

/** Creating a queue that is there already succeeds, by AWS's rules, where no attribute differs. Nobody means that here. */
async function exists(name: string): Promise<boolean> {
  const page = await api.queues({ search: name, limit: 200 });
  return page.queues.some((row) => row.name === name);
}

function CreateForm({ start }: { start: QueueForm }): JSX.Element {
  const t = messages.value;
  const [form, setForm] = useState(start);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [copying, setCopying] = useState(false);
  const [taken, setTaken] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const { found, words } = useProblems(form, null);
  const wrong = Object.keys(found).length > 0;
  useEffect(() => {
    setGuard(form === start ? null : () => window.confirm(messages.value.form.leave));
    return () => setGuard(null);
  }, [form, start]);

  const submit = async (): Promise<void> => {
    setTried(true);
    if (wrong) {
      requestAnimationFrame(() => document.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
      return;
    }
    setBusy(true);
    setError(null);
    const name = fullName(form);
    try {
      if (await exists(name)) {
        setTaken(name);
        setBusy(false);
        return;
      }
      const tags = form.tags.length > 0 ? { tags: Object.fromEntries(form.tags) } : {};
      await api.sqs("CreateQueue", { QueueName: name, Attributes: attributesOf(form), ...tags });
      setGuard(null);
      toast({ tone: "success", text: t.form.created(name) });
      go(address.queue(name));
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  const nameWords = taken === fullName(form) ? t.problems["name-taken"] : tried || form.name !== "" ? words.name : undefined;
  return (
    <form
      class="form-page"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <div class="page-head">
        <h1>{t.form.createTitle}</h1>
        <Button icon="code" onClick={() => setCopying(true)} disabled={wrong}>
          {t.copyAs.button}
        </Button>
      </div>
      <QueueFormFields form={form} onForm={setForm} words={{ ...words, name: nameWords }} />
      {error !== null && <ErrorNotice error={error} />}
      <div class="form-foot">
        <LinkButton href={address.queues()}>{t.common.cancel}</LinkButton>
        <Button tone="primary" submit busy={busy}>
          {t.queues.create}
        </Button>
      </div>
      {copying && (
        <CopyAsDialog
          name={fullName(form)}
          attributes={attributesOf(form)}
          tags={Object.fromEntries(form.tags)}
          onClose={() => setCopying(false)}
        />
      )}
    </form>
  );
}
