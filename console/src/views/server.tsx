import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { api, session } from "../api/client";
import { latestOverview, useLive } from "../api/events";
import { dateTime } from "../format";
import { messages } from "../i18n";
import { Copy, Loading, Notice, Section } from "../ui/basics";
import { Charts, SERVER_CHARTS } from "../ui/charts";
import { ErrorNotice } from "../ui/errors";
import { DiskCard, LatencyTable } from "./overview";

/** How the server itself does. */
export function ServerView(): JSX.Element {
  const t = messages.value.server;
  const [error, setError] = useState<unknown>(null);
  useLive({}, {});
  const load = (): void => {
    setError(null);
    api.overview().then((found) => (latestOverview.value = found), setError);
  };
  useEffect(load, []);
  const overview = latestOverview.value;
  const now = session.value;
  if (error !== null && !overview) return <ErrorNotice error={error} retry={load} />;
  if (!overview || !now) return <Loading />;
  return (
    <>
      <div class="page-head">
        <h1>{t.title}</h1>
        <div class="row" hidden={overview.process === null}>
          <a class="button plain" href="/metrics" data-outside>
            {t.metrics}
          </a>
          <a class="button plain" href="/health" data-outside>
            {t.health}
          </a>
        </div>
      </div>
      <div class="columns">
        <section class="card">
          <h2>{t.about}</h2>
          <dl class="facts">
            <div>
              <dt>{t.version}</dt>
              <dd>{now.version}</dd>
            </div>
            <div>
              <dt>{t.started}</dt>
              <dd>{dateTime(now.startedMs)}</dd>
            </div>
            <div>
              <dt>{t.authentication}</dt>
              <dd>{now.authentication ? t.on : t.off}</dd>
            </div>
            <div>
              <dt>{t.licenses}</dt>
              <dd>
                <a href="/licenses.txt" data-outside>
                  licenses.txt
                </a>
              </dd>
            </div>
            <div class="full">
              <dt>{t.endpoint}</dt>
              <dd class="row tight">
                <code class="break">{now.endpoint}</code>
                <Copy text={now.endpoint} label={messages.value.common.copy} />
              </dd>
            </div>
          </dl>
        </section>
        <DiskCard overview={overview} />
      </div>
      {overview.process ? (
        <>
          <Section title={t.latency}>
            <LatencyTable overview={overview} />
          </Section>
          <Charts sets={SERVER_CHARTS} />
        </>
      ) : (
        <Notice tone="info">{t.notYours}</Notice>
      )}
    </>
  );
}
