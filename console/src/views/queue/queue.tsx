import type { JSX } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import { api, place } from "../../api/client";
import { useLive } from "../../api/events";
import type { MoveTask, QueueDetail } from "../../api/types";
import { compact } from "../../format";
import { messages } from "../../i18n";
import { address, go, parameters, setGuard } from "../../router";
import { Badge, Button, Counts, Loading } from "../../ui/basics";
import { ConfirmDialog } from "../../ui/dialog";
import { ErrorNotice } from "../../ui/errors";
import { Tabs, type Tab } from "../../ui/tabs";
import { toast } from "../../ui/toasts";
import { CopyAsDialog } from "../copy-as";
import { AccessTab } from "./access";
import { BrowseTab } from "./browse";
import { ChartsTab } from "./charts";
import { DeadLettersTab } from "./dead-letters";
import { OverviewTab } from "./overview";
import { PollTab } from "./poll";
import { SendTab } from "./send";
import { SettingsTab } from "./settings";
import { TagsTab } from "./tags";

const TABS = ["overview", "send", "poll", "browse", "dead-letters", "charts", "settings", "access", "tags"] as const;
export type TabId = (typeof TABS)[number];

export interface TabProps {
  queue: QueueDetail;
  tasks: MoveTask[];
  reload: () => void;
}

const VIEWS: Record<TabId, (props: TabProps) => JSX.Element> = {
  overview: OverviewTab,
  send: SendTab,
  poll: PollTab,
  browse: BrowseTab,
  "dead-letters": DeadLettersTab,
  charts: ChartsTab,
  settings: SettingsTab,
  access: AccessTab,
  tags: TagsTab,
};

/** One queue: asked for once, then told by the server what changes. */
export function QueueView({ name }: { name: string }): JSX.Element {
  const [queue, setQueue] = useState<QueueDetail | null>(null);
  const [tasks, setTasks] = useState<MoveTask[]>([]);
  const [error, setError] = useState<unknown>(null);
  const { account, region } = place.value;
  const load = useCallback(() => {
    setError(null);
    api.queue(name).then(setQueue, setError);
  }, [name, account, region]);
  useEffect(load, [load]);
  useLive(
    { queue: name },
    {
      queue: (now) => {
        setQueue(now);
        setError(null);
      },
      tasks: setTasks,
      refused: (of, failure) => {
        if (of === "queue") setError(failure);
      },
    },
  );
  const wanted = parameters.value.get("tab");
  const tab: TabId = TABS.find((one) => one === wanted) ?? "overview";
  if (error !== null && !queue) {
    return (
      <>
        <h1 class="mono">{name}</h1>
        <ErrorNotice error={error} retry={load} />
        <p>
          <a href={address.queues()}>{messages.value.overview.allQueues}</a>
        </p>
      </>
    );
  }
  if (!queue) return <Loading />;
  const View = VIEWS[tab];
  return (
    <>
      {error !== null && <ErrorNotice error={error} retry={load} />}
      <Head queue={queue} />
      <Tabs
        label={name}
        tabs={tabs(queue)}
        current={tab}
        panel="queue-panel"
        onChange={(next) => go(address.queue(name, next), { keepScroll: true })}
      />
      <div id="queue-panel" role="tabpanel" class="panel" aria-label={messages.value.queue.tabs[tab]}>
        <View key={tab} queue={queue} tasks={tasks} reload={load} />
      </div>
    </>
  );
}

function tabs(queue: QueueDetail): Tab<TabId>[] {
  const t = messages.value.queue.tabs;
  const isDeadLetter = queue.sources > 0;
  return TABS.filter((id) => id !== "dead-letters" || isDeadLetter || queue.deadLetterQueue !== null).map((id) => ({
    id,
    label:
      id === "browse" ? (
        <>
          {t.browse} <span class="count">{compact(queue.visible + queue.inFlight + queue.delayed)}</span>
        </>
      ) : (
        t[id]
      ),
  }));
}

function Head({ queue }: { queue: QueueDetail }): JSX.Element {
  const t = messages.value.queue;
  const [dialog, setDialog] = useState<"purge" | "delete" | "copy" | null>(null);
  const close = (): void => setDialog(null);
  return (
    <>
      <div class="page-head queue-head">
        <div>
          <nav aria-label={t.where} class="crumbs">
            <a href={address.queues()}>{messages.value.nav.queues}</a>
          </nav>
          <h1 class="mono queue-title">
            {queue.name} {queue.fifo && <Badge>FIFO</Badge>}
            {queue.sources > 0 && <Badge tone="bad">{messages.value.queues.deadLetterMark}</Badge>}
          </h1>
        </div>
        <div class="row head-actions">
          <Button small icon="code" onClick={() => setDialog("copy")}>
            {messages.value.copyAs.button}
          </Button>
          <a class="button plain small" href={address.create(queue.name)}>
            {t.duplicate}
          </a>
          <Button small tone="danger" onClick={() => setDialog("purge")}>
            {t.purge}
          </Button>
          <Button small tone="danger" icon="trash" onClick={() => setDialog("delete")}>
            {t.delete}
          </Button>
        </div>
      </div>
      <Counts visible={queue.visible} inFlight={queue.inFlight} delayed={queue.delayed} />
      {dialog === "copy" && <CopyAsDialog name={queue.name} attributes={settable(queue.attributes)} tags={queue.tags} onClose={close} />}
      {dialog === "purge" && (
        <ConfirmDialog
          title={t.purgeTitle}
          phrase={queue.name}
          action={t.purge}
          onClose={close}
          onConfirm={async () => {
            await api.sqs("PurgeQueue", { QueueUrl: queue.url });
            toast({ tone: "success", text: t.purged(queue.name) });
          }}
        >
          <p>{t.purgeText}</p>
          <Counts visible={queue.visible} inFlight={queue.inFlight} delayed={queue.delayed} />
        </ConfirmDialog>
      )}
      {dialog === "delete" && (
        <ConfirmDialog
          title={t.deleteTitle}
          phrase={queue.name}
          action={t.delete}
          onClose={close}
          onConfirm={async () => {
            await api.sqs("DeleteQueue", { QueueUrl: queue.url });
            toast({ tone: "success", text: t.deleted(queue.name) });
            setGuard(null);
            go(address.queues());
          }}
        >
          <p>{queue.sources > 0 ? t.deleteSourcesText : t.deleteText}</p>
          <Counts visible={queue.visible} inFlight={queue.inFlight} delayed={queue.delayed} />
        </ConfirmDialog>
      )}
    </>
  );
}

const READ_ONLY = /^(QueueArn|CreatedTimestamp|LastModifiedTimestamp|ApproximateNumberOf.*)$/;

/** What of a queue's attributes can be set on another. */
export function settable(attributes: Record<string, string>): Record<string, string> {
  const kept = Object.entries(attributes).filter(
    ([name]) => !READ_ONLY.test(name) && !(name === "SqsManagedSseEnabled" && attributes["KmsMasterKeyId"]),
  );
  return Object.fromEntries(kept);
}
