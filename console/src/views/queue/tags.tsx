import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { api } from "../../api/client";
import { messages } from "../../i18n";
import { tagProblem } from "../../logic/attributes";
import { setGuard } from "../../router";
import { Button } from "../../ui/basics";
import { ErrorNotice } from "../../ui/errors";
import { toast } from "../../ui/toasts";
import { inWords } from "../queue-form";
import { TagRows } from "../tag-rows";
import type { TabProps } from "./queue";

export function TagsTab({ queue, reload }: TabProps): JSX.Element {
  const t = messages.value;
  const [before, setBefore] = useState(queue.tags);
  const [tags, setTags] = useState<[string, string][]>(Object.entries(queue.tags));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const problem = tagProblem(tags);
  const wanted = Object.fromEntries(tags);
  const added = Object.fromEntries(tags.filter(([key, value]) => before[key] !== value));
  const removed = Object.keys(before).filter((key) => !(key in wanted));
  const dirty = Object.keys(added).length + removed.length > 0;
  useEffect(() => {
    setGuard(dirty ? () => window.confirm(messages.value.form.leave) : null);
    return () => setGuard(null);
  }, [dirty]);
  const save = async (): Promise<void> => {
    if (!dirty || problem) return;
    setBusy(true);
    setError(null);
    try {
      // First away with the old: a queue holds fifty.
      if (removed.length > 0) await api.sqs("UntagQueue", { QueueUrl: queue.url, TagKeys: removed });
      if (Object.keys(added).length > 0) await api.sqs("TagQueue", { QueueUrl: queue.url, Tags: added });
      setBefore(wanted);
      toast({ tone: "success", text: t.form.saved });
      reload();
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  return (
    <form
      class="card form-page"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <h2>{t.tags.title}</h2>
      <TagRows tags={tags} error={problem && inWords(problem)} onTags={setTags} />
      {error !== null && <ErrorNotice error={error} />}
      <div class="row end">
        <Button tone="primary" submit busy={busy} disabled={!dirty || problem !== null}>
          {t.common.save}
        </Button>
      </div>
    </form>
  );
}
