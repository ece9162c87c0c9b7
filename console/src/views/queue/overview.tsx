import type { JSX } from "preact";
import type { Consumer } from "../../api/types";
import { bytes, count, dateTime, duration, rate } from "../../format";
import { messages } from "../../i18n";
import { address } from "../../router";
import { Ago, Badge, Copy, Section } from "../../ui/basics";
import { Charts, QUEUE_SHORT_CHARTS } from "../../ui/charts";
import type { TabProps } from "./queue";

export function OverviewTab({ queue }: TabProps): JSX.Element {
  const t = messages.value.queue;
  return (
    <>
      <div class="columns">
        <section class="card">
          <h2>{t.identity}</h2>
          <dl class="facts">
            <CopyRow name="URL" value={queue.url} />
            <CopyRow name="ARN" value={queue.arn} />
            <div>
              <dt>{t.created}</dt>
              <dd>{dateTime(queue.createdMs)}</dd>
            </div>
            <div>
              <dt>{t.oldest}</dt>
              <dd>{duration(queue.oldestAgeMs)}</dd>
            </div>
            <div>
              <dt>{t.rates}</dt>
              <dd class="number">{t.ratesValue(rate(queue.rates.sent), rate(queue.rates.received), rate(queue.rates.deleted))}</dd>
            </div>
            <div>
              <dt>{t.encryption}</dt>
              <dd>{t.encryptions[queue.encryption]}</dd>
            </div>
          </dl>
        </section>
        <AttributesCard queue={queue} />
      </div>
      <Charts queue={queue.name} sets={QUEUE_SHORT_CHARTS} />
      <Consumers consumers={queue.consumers} />
    </>
  );
}

function CopyRow({ name, value }: { name: string; value: string }): JSX.Element {
  return (
    <div class="full">
      <dt>{name}</dt>
      <dd class="row tight">
        <code class="break">{value}</code>
        <Copy text={value} label={messages.value.common.copyWhat(name)} />
      </dd>
    </div>
  );
}

function AttributesCard({ queue }: Pick<TabProps, "queue">): JSX.Element {
  const t = messages.value;
  const { attributes } = queue;
  const seconds = (name: string): string => duration(Number(attributes[name] ?? 0) * 1000, "long");
  const rows: [string, JSX.Element | string][] = [
    [t.form.visibilityTimeout, seconds("VisibilityTimeout")],
    [t.form.retention, seconds("MessageRetentionPeriod")],
    [t.form.delay, seconds("DelaySeconds")],
    [t.form.receiveWait, seconds("ReceiveMessageWaitTimeSeconds")],
    [t.form.maximumMessageSize, bytes(Number(attributes["MaximumMessageSize"] ?? 0))],
  ];
  if (queue.fifo) {
    const group = (name: string, word: string): boolean => attributes[name] === word;
    rows.push(
      [t.form.contentBased, attributes["ContentBasedDeduplication"] === "true" ? t.common.yes : t.common.no],
      [t.form.scope, group("DeduplicationScope", "messageGroup") ? t.form.scopeGroup : t.form.scopeQueue],
      [t.form.throughput, group("FifoThroughputLimit", "perMessageGroupId") ? t.form.throughputGroup : t.form.throughputQueue],
    );
  }
  rows.push([
    t.form.deadLetters,
    queue.deadLetterQueue === null ? (
      t.queue.noDeadLetters
    ) : (
      <>
        <a href={address.queue(queue.deadLetterQueue)} class="mono break">
          {queue.deadLetterQueue}
        </a>{" "}
        <span class="muted">{t.queue.afterReceives(count(maxReceives(attributes["RedrivePolicy"])))}</span>
      </>
    ),
  ]);
  if (queue.sources > 0) {
    rows.push([
      t.queue.deadLettersOf(count(queue.sources)),
      <span class="link-list">
        {queue.sourceNames.map((name) => (
          <a key={name} href={address.queue(name)} class="mono break">
            {name}
          </a>
        ))}
      </span>,
    ]);
  }
  return (
    <section class="card">
      <div class="card-head">
        <h2>{t.queue.attributes}</h2>
        <a href={address.queue(queue.name, "settings")}>{t.common.edit}</a>
      </div>
      <dl class="facts">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

export function maxReceives(redrivePolicy: string | undefined): number {
  try {
    return Number((JSON.parse(redrivePolicy ?? "{}") as { maxReceiveCount?: number | string }).maxReceiveCount ?? 10);
  } catch {
    return 10;
  }
}

function Consumers({ consumers }: { consumers: Consumer[] }): JSX.Element {
  const t = messages.value.queue;
  return (
    <Section title={t.consumers}>
      {consumers.length === 0 ? (
        <p class="muted">{t.noConsumers}</p>
      ) : (
        <div class="table-wrap">
          <table>
            <thead>
              <tr>
                <th>{t.address}</th>
                <th>{t.client}</th>
                <th class="hide-narrow">{t.principal}</th>
                <th class="number">{t.receivesPerSecond}</th>
                <th class="number">{t.waiting}</th>
                <th class="hide-narrow">{t.lastSeen}</th>
              </tr>
            </thead>
            <tbody>
              {consumers.map((one) => (
                <tr key={`${one.address} ${one.userAgent} ${one.principal}`}>
                  <td class="mono">{one.address}</td>
                  <td class="clip" title={one.userAgent ?? ""}>
                    {one.userAgent ?? "–"}
                  </td>
                  <td class="hide-narrow clip" title={one.principal ?? ""}>
                    {one.principal ?? "–"}
                  </td>
                  <td class="number">{rate(one.receivesPerSecond)}</td>
                  <td class="number">{one.waiting > 0 ? <Badge tone="good">{count(one.waiting)}</Badge> : "0"}</td>
                  <td class="hide-narrow">
                    <Ago ms={one.lastSeenMs} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Section>
  );
}
