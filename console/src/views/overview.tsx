import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { api, session } from "../api/client";
import { latestOverview, useLive } from "../api/events";
import type { Failing, Overview, QueueRow } from "../api/types";
import { bytes, compact, count, duration, milliseconds, percent, rate } from "../format";
import { messages } from "../i18n";
import { address, go } from "../router";
import { Badge, Copy, Empty, LinkButton, Loading, Notice, Section } from "../ui/basics";
import { Charts, SERVER_OVERVIEW_CHARTS } from "../ui/charts";
import { ErrorNotice } from "../ui/errors";
import { Icon } from "../ui/icons";
import { Sparkline } from "../ui/sparkline";
import { useRowKeys } from "../ui/table";

export function OverviewView(): JSX.Element {
  const [error, setError] = useState<unknown>(null);
  useLive({}, {});
  const load = (): void => {
    setError(null);
    api.overview().then((found) => (latestOverview.value = found), setError);
  };
  useEffect(load, []);
  const overview = latestOverview.value;
  if (error !== null && !overview) return <ErrorNotice error={error} retry={load} />;
  if (!overview) return <Loading />;
  if (overview.queues === 0) return <Welcome />;
  const t = messages.value.overview;
  return (
    <>
      <div class="page-head">
        <h1>{t.title}</h1>
        <LinkButton href={address.create()} icon="plus" tone="primary">
          {messages.value.queues.create}
        </LinkButton>
      </div>
      <Totals overview={overview} />
      <div class="columns">
        <Attention failing={overview.failing} />
        <DiskCard overview={overview} />
      </div>
      {overview.process && <Charts sets={SERVER_OVERVIEW_CHARTS} />}
      <Busiest rows={overview.busiest} />
    </>
  );
}

function Welcome(): JSX.Element {
  const t = messages.value.overview;
  const now = session.value;
  const command = `aws --endpoint-url ${now?.endpoint ?? ""} --region ${now?.region ?? ""} sqs create-queue --queue-name hello`;
  return (
    <Empty
      title={t.welcome}
      action={
        <LinkButton href={address.create()} icon="plus" tone="primary">
          {messages.value.queues.create}
        </LinkButton>
      }
    >
      <p>{t.welcomeText}</p>
      <div class="code-line">
        <code>{command}</code>
        <Copy text={command} label={messages.value.common.copy} />
      </div>
    </Empty>
  );
}

function Tile(props: { label: string; value: string; detail?: string; tone?: string; title?: string }): JSX.Element {
  return (
    <div class={`tile ${props.tone ?? ""}`} title={props.title}>
      <dt>{props.label}</dt>
      <dd>
        <span class="tile-value">{props.value}</span>
        {props.detail && <span class="tile-detail">{props.detail}</span>}
      </dd>
    </div>
  );
}

function Totals({ overview }: { overview: Overview }): JSX.Element {
  const t = messages.value.overview;
  const states = messages.value.states;
  const perSecond = messages.value.units.perSecond;
  return (
    <dl class="tiles">
      <Tile label={t.queues} value={count(overview.queues)} />
      <Tile label={states.visible} value={compact(overview.visible)} title={count(overview.visible)} tone="visible" />
      <Tile label={states.inFlight} value={compact(overview.inFlight)} title={count(overview.inFlight)} tone="in-flight" />
      <Tile label={states.delayed} value={compact(overview.delayed)} title={count(overview.delayed)} tone="delayed" />
      <Tile label={t.oldest} value={duration(overview.oldestAgeMs, "narrow")} />
      <Tile label={t.sent} value={rate(overview.rates.sent)} detail={perSecond} />
      <Tile label={t.received} value={rate(overview.rates.received)} detail={perSecond} />
      <Tile label={t.deleted} value={rate(overview.rates.deleted)} detail={perSecond} />
    </dl>
  );
}

function Attention({ failing }: { failing: Failing[] }): JSX.Element {
  const t = messages.value.overview;
  return (
    <section class="card">
      <h2>{t.attention}</h2>
      {failing.length === 0 ? (
        <p class="calm">
          <Icon name="check" /> {t.allWell}
        </p>
      ) : (
        <ul class="plain-list">
          {failing.map((one) => (
            <li key={one.name + one.reason}>
              <a href={address.queue(one.name, one.reason === "dead-letters" ? "dead-letters" : "overview")} class="queue-name">
                {one.name}
              </a>
              <span class="reason">
                <Badge tone={one.reason === "dead-letters" ? "bad" : "warn"}>{t.reasons[one.reason]}</Badge>
                <span class="muted">{reasonDetail(one)}</span>
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function reasonDetail(one: Failing): string {
  const t = messages.value.overview;
  if (one.reason === "dead-letters") return t.deadLetterDetail(count(one.deadLetters ?? one.visible));
  if (one.reason === "stuck") return t.stuckDetail(duration(one.oldestAgeMs));
  return t.growingDetail(count(one.visible));
}

/** The disk and the process; nothing for those whose business they are not. */
export function DiskCard({ overview }: { overview: Overview }): JSX.Element | null {
  const t = messages.value.overview;
  const { disk, process } = overview;
  if (!process) return null;
  const used = disk && disk.totalBytes > 0 ? 1 - disk.freeBytes / disk.totalBytes : null;
  const tones = { ok: "good", low: "warn", full: "bad", failed: "bad" };
  const facts: [string, string][] = [[t.memory, bytes(process.residentBytes)], [t.connections, count(process.connections)], [t.uptime, duration(process.uptimeMs)]];
  if (disk) facts.unshift([t.journal, bytes(disk.journalBytes)], [t.free, bytes(disk.freeBytes)]);
  if (disk && disk.liveBytes !== null) facts.splice(1, 0, [t.live, bytes(disk.liveBytes)]);
  return (
    <section class="card">
      <div class="card-head">
        <h2>{t.disk}</h2>
        {disk && <Badge tone={tones[disk.state]}>{t.diskShort[disk.state]}</Badge>}
      </div>
      {!disk && <Notice tone="warning">{t.memoryJournal}</Notice>}
      {disk && used !== null && (
        <div class="meter-line">
          <meter min={0} max={1} low={0.8} high={0.92} optimum={0} value={used} aria-label={t.diskUsed} />
          <span class="number">{t.usedOf(percent(used), bytes(disk.totalBytes))}</span>
        </div>
      )}
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

export function LatencyTable({ overview }: { overview: Overview }): JSX.Element {
  const t = messages.value.server;
  if (overview.latency.length === 0) return <p class="muted">{t.noRequests}</p>;
  return (
    <div class="table-wrap">
      <table>
        <thead>
          <tr>
            <th>{t.action}</th>
            <th class="number">{t.requestsPerSecond}</th>
            <th class="number">p50</th>
            <th class="number">p99</th>
            <th class="number">{t.errorsPerSecond}</th>
          </tr>
        </thead>
        <tbody>
          {overview.latency.map((one) => (
            <tr key={one.action}>
              <td class="mono">{one.action}</td>
              <td class="number">{rate(one.perSecond)}</td>
              <td class="number">{milliseconds(one.p50Ms)}</td>
              <td class="number">{milliseconds(one.p99Ms)}</td>
              <td class={`number ${one.errorsPerSecond > 0 ? "bad-text" : ""}`}>{rate(one.errorsPerSecond)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Busiest({ rows }: { rows: QueueRow[] }): JSX.Element | null {
  const t = messages.value;
  const keys = useRowKeys({ open: (index) => rows[index] && go(address.queue(rows[index].name)) });
  if (rows.length === 0) return null;
  return (
    <Section title={t.overview.busiest} actions={<a href={address.queues()}>{t.overview.allQueues}</a>}>
      <div class="table-wrap">
        <table>
          <thead>
            <tr>
              <th>{t.queues.name}</th>
              <th class="number">{t.states.visible}</th>
              <th class="number">{t.states.inFlight}</th>
              <th class="number hide-narrow">{t.queues.oldest}</th>
              <th class="number hide-narrow">{t.queues.sentRate}</th>
              <th class="number hide-narrow">{t.queues.receivedRate}</th>
              <th class="hide-narrow">{t.queues.trend}</th>
            </tr>
          </thead>
          <tbody {...keys}>
            {rows.map((row, index) => (
              <tr key={row.name} tabIndex={index === 0 ? 0 : -1}>
                <td class="queue-cell">
                  <a href={address.queue(row.name)} class="queue-name" tabIndex={-1}>
                    {row.name}
                  </a>
                </td>
                <td class="number">{count(row.visible)}</td>
                <td class="number">{count(row.inFlight)}</td>
                <td class="number hide-narrow">{duration(row.oldestAgeMs, "narrow")}</td>
                <td class="number hide-narrow">{rate(row.rates.sent)}</td>
                <td class="number hide-narrow">{rate(row.rates.received)}</td>
                <td class="hide-narrow">
                  <Sparkline values={row.spark} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}
