import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../../api/client";
import type { MessageRow, MoveTask, QueueDetail } from "../../api/types";
import { count, dateTime, duration, rate } from "../../format";
import { messages } from "../../i18n";
import { draftOf, draftProblems, resending, type Draft } from "../../logic/draft";
import { Badge, Button, Loading, Notice, Progress } from "../../ui/basics";
import { Dialog } from "../../ui/dialog";
import { ErrorNotice } from "../../ui/errors";
import { Check, Choice, SelectField, TextField } from "../../ui/fields";
import { toast, toastError } from "../../ui/toasts";
import { MessageFields } from "../message-fields";
import { useCandidates } from "../queue-form";
import { operateOn, reportOperation } from "./operate";
import { rulesOf } from "./send";

const isActive = (task: MoveTask): boolean => task.Status === "RUNNING" || task.Status === "CANCELLING";

/** Move tasks of this queue, the latest first: how far, how fast, how long still. */
export function Tasks({ tasks }: { tasks: MoveTask[] }): JSX.Element | null {
  const t = messages.value.deadLetters;
  if (tasks.length === 0) return null;
  return (
    <section class="card" data-tasks>
      <h2>{t.tasks}</h2>
      <ul class="plain-list tasks">
        {tasks.slice(0, 5).map((task, index) => (
          <Task key={task.StartedTimestamp ?? index} task={task} />
        ))}
      </ul>
    </section>
  );
}

function Task({ task }: { task: MoveTask }): JSX.Element {
  const t = messages.value.deadLetters;
  const [busy, setBusy] = useState(false);
  const moved = task.ApproximateNumberOfMessagesMoved ?? 0;
  const total = Math.max(moved, task.ApproximateNumberOfMessagesToMove ?? moved);
  const speed = useSpeed(moved, isActive(task));
  const eta = speed !== null && speed > 0 ? ((total - moved) / speed) * 1000 : null;
  const tones = { RUNNING: "in-flight", CANCELLING: "warn", COMPLETED: "good", CANCELLED: "", FAILED: "bad" };
  const cancel = (): void => {
    if (!task.TaskHandle) return;
    setBusy(true);
    api
      .sqs("CancelMessageMoveTask", { TaskHandle: task.TaskHandle })
      .catch(toastError)
      .finally(() => setBusy(false));
  };
  return (
    <li class="task" data-status={task.Status}>
      <div class="row spread">
        <span class="row tight">
          <Badge tone={tones[task.Status]}>{t.statuses[task.Status]}</Badge>
          <span class={task.DestinationArn ? "mono break" : ""}>{task.DestinationArn?.split(":").at(-1) ?? t.toSources}</span>
        </span>
        <span class="muted">{task.StartedTimestamp !== undefined && dateTime(task.StartedTimestamp)}</span>
      </div>
      {isActive(task) ? (
        <div class="row">
          <Progress value={moved} of={total} label={t.progress}>
            {count(moved)} / {count(total)}
            {speed !== null && ` · ${rate(speed)} ${messages.value.units.perSecond}`}
            {eta !== null && ` · ${t.eta(duration(eta))}`}
          </Progress>
          <Button small icon="stop" busy={busy} disabled={!task.TaskHandle} onClick={cancel}>
            {messages.value.common.cancel}
          </Button>
        </div>
      ) : (
        <div class="muted">
          {t.moved(count(moved))}
          {task.FailureReason && (
            <>
              {" "}
              <code>{task.FailureReason}</code>
            </>
          )}
        </div>
      )}
    </li>
  );
}

/** Messages a second over the last news; null until there is something to tell from. */
function useSpeed(moved: number, active: boolean): number | null {
  const samples = useRef<{ atMs: number; moved: number }[]>([]);
  const last = samples.current.at(-1);
  if (active && (!last || last.moved !== moved)) samples.current = [...samples.current.slice(-7), { atMs: Date.now(), moved }];
  const first = samples.current[0];
  const newest = samples.current.at(-1);
  if (!active || !first || !newest || newest.atMs - first.atMs < 500) return null;
  return ((newest.moved - first.moved) / (newest.atMs - first.atMs)) * 1000;
}

type Target = "sources" | "other";

function Destination(props: {
  queue: QueueDetail;
  target: Target;
  arn: string;
  onTarget: (target: Target) => void;
  onArn: (arn: string) => void;
}): JSX.Element {
  const t = messages.value.deadLetters;
  const candidates = useCandidates(props.queue.fifo).filter((row) => row.name !== props.queue.name);
  return (
    <>
      <div class="field">
        <Choice
          label={t.destination}
          value={props.target}
          options={[
            { value: "sources", label: t.toSources },
            { value: "other", label: t.toOther },
          ]}
          onValue={props.onTarget}
        />
      </div>
      {props.target === "other" && (
        <TextField label={t.destinationArn} value={props.arn} mono list={candidates.map((row) => row.arn)} onValue={(arn) => props.onArn(arn.trim())} />
      )}
    </>
  );
}

const FASTEST_PER_SECOND = 500;

/** Starts AWS's own move task: it goes on without anybody looking, and survives a restart. */
export function RedriveAllDialog({ queue, onClose }: { queue: QueueDetail; onClose: () => void }): JSX.Element {
  const t = messages.value.deadLetters;
  const [target, setTarget] = useState<Target>("sources");
  const [arn, setArn] = useState("");
  const [limited, setLimited] = useState(false);
  const [velocity, setVelocity] = useState("50");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const speed = /^\d{1,3}$/.test(velocity) ? Number(velocity) : 0;
  const speedOk = !limited || (speed >= 1 && speed <= FASTEST_PER_SECOND);
  const ready = speedOk && (target === "sources" || arn !== "");
  const submit = async (): Promise<void> => {
    if (!ready || busy) return;
    setBusy(true);
    setError(null);
    try {
      await api.sqs("StartMessageMoveTask", {
        SourceArn: queue.arn,
        ...(target === "other" ? { DestinationArn: arn } : {}),
        ...(limited ? { MaxNumberOfMessagesPerSecond: speed } : {}),
      });
      toast({ tone: "success", text: t.started });
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={t.redriveAllTitle}
      onClose={onClose}
      onSubmit={() => void submit()}
      footer={
        <>
          <Button onClick={onClose}>{messages.value.common.cancel}</Button>
          <Button tone="primary" submit busy={busy} disabled={!ready}>
            {t.start}
          </Button>
        </>
      }
    >
      <p>{t.redriveAllText(count(queue.visible))}</p>
      <Destination queue={queue} target={target} arn={arn} onTarget={setTarget} onArn={setArn} />
      <Check label={t.limit} hint={t.limitHint} checked={limited} onValue={setLimited} />
      {limited && (
        <TextField
          label={t.velocity}
          value={velocity}
          inputMode="numeric"
          error={speedOk ? null : messages.value.problems.range("1", count(FASTEST_PER_SECOND))}
          aside={speedOk && speed > 0 ? t.takes(duration((queue.visible / speed) * 1000)) : undefined}
          onValue={(value) => setVelocity(value.trim())}
        />
      )}
      {error !== null && <ErrorNotice error={error} />}
    </Dialog>
  );
}

export function RedriveSomeDialog(props: {
  queue: QueueDetail;
  sequences: readonly string[];
  onClose: () => void;
  onDone: () => void;
}): JSX.Element {
  const t = messages.value.deadLetters;
  const [target, setTarget] = useState<Target>("sources");
  const [arn, setArn] = useState("");
  const [done, setDone] = useState<number | null>(null);
  const [error, setError] = useState<unknown>(null);
  const ready = target === "sources" || arn !== "";
  const total = props.sequences.length;
  const submit = async (): Promise<void> => {
    if (!ready || done !== null) return;
    setDone(0);
    setError(null);
    try {
      const move = (some: string[]): ReturnType<typeof api.move> => api.move(props.queue.name, some, target === "other" ? arn : null);
      const outcome = await operateOn(props.sequences, move, setDone);
      reportOperation(outcome, t.moved);
      props.onDone();
      props.onClose();
    } catch (failure) {
      setError(failure);
      setDone(null);
    }
  };
  return (
    <Dialog
      title={t.redriveTitle(count(total))}
      onClose={props.onClose}
      onSubmit={() => void submit()}
      footer={
        <>
          <Button onClick={props.onClose}>{messages.value.common.cancel}</Button>
          <Button tone="primary" submit busy={done !== null} disabled={!ready}>
            {t.redrive}
          </Button>
        </>
      }
    >
      <Destination queue={props.queue} target={target} arn={arn} onTarget={setTarget} onArn={setArn} />
      {done !== null && (
        <Progress value={done} of={total} label={t.progress}>
          {count(done)} / {count(total)}
        </Progress>
      )}
      {error !== null && <ErrorNotice error={error} />}
    </Dialog>
  );
}

/** Sends a corrected copy, and takes the dead letter away only once the copy was accepted. */
export function ResendDialog(props: { queue: QueueDetail; row: MessageRow; onClose: () => void; onDone: () => void }): JSX.Element {
  const t = messages.value.deadLetters;
  const { queue, row } = props;
  const [draft, setDraft] = useState<Draft | null>(row.truncated ? null : draftOf(row));
  const candidates = useCandidates(queue.fifo);
  const source = row.attributes["DeadLetterQueueSourceArn"]?.split(":").at(-1) ?? queue.sourceNames[0] ?? queue.name;
  const [target, setTarget] = useState(source);
  const [discard, setDiscard] = useState(true);
  /** The copy was sent and only the dead letter is left to be deleted: it must not be sent once more. */
  const [kept, setKept] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    if (row.truncated) api.message(queue.name, row.sequence).then((whole) => setDraft(draftOf(whole)), setError);
  }, [row.sequence]);
  const rules = { ...rulesOf(queue), maximumBytes: 1_048_576, asWritten: true };
  const problems = draft ? draftProblems(draft, rules) : {};
  const names = [...new Set([source, ...queue.sourceNames, ...candidates.map((one) => one.name)])];
  const submit = async (): Promise<void> => {
    if (!draft || Object.keys(problems).length > 0 || busy) return;
    setBusy(true);
    setError(null);
    let sent = kept;
    try {
      if (!sent) {
        await api.sqs("SendMessage", { QueueUrl: target, ...resending(draft, Date.now()) });
        sent = true;
        toast({ tone: "success", text: t.resent(target) });
      }
      if (discard) {
        const outcome = await operateOn([row.sequence], (some) => api.discard(queue.name, some));
        if (outcome.firstError !== null) throw outcome.firstError;
        reportOperation(outcome, messages.value.browse.deleted);
      }
      props.onDone();
      props.onClose();
    } catch (failure) {
      setKept(sent);
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Dialog
      wide
      title={t.editResendTitle}
      onClose={props.onClose}
      onSubmit={() => void submit()}
      footer={
        <>
          <Button onClick={props.onClose}>{kept ? messages.value.common.close : messages.value.common.cancel}</Button>
          {kept ? (
            <Button tone="danger" icon="trash" submit busy={busy}>
              {messages.value.common.delete}
            </Button>
          ) : (
            <Button tone="primary" icon="send" submit busy={busy} disabled={!draft || Object.keys(problems).length > 0}>
              {t.resend}
            </Button>
          )}
        </>
      }
    >
      {row.state === "in-flight" && <Notice tone="warning">{t.inFlightWarning}</Notice>}
      {kept ? (
        <Notice tone="warning">{t.sentButKept}</Notice>
      ) : (
        <>
          <SelectField
            label={t.destination}
            value={target}
            options={names.map((name) => ({ value: name, label: name }))}
            onValue={setTarget}
          />
          {draft ? <MessageFields draft={draft} onDraft={setDraft} problems={problems} rules={rules} rows={12} /> : error === null && <Loading />}
          <Check label={t.discard} hint={t.discardHint} checked={discard} onValue={setDiscard} />
        </>
      )}
      {error !== null && <ErrorNotice error={error} />}
    </Dialog>
  );
}
