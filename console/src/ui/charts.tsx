import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type uPlot from "uplot";
import { api, place, type HistoryQuery } from "../api/client";
import type { History, ServerSeries } from "../api/types";
import { bytes, compact, dateTime, duration, milliseconds, rate } from "../format";
import { messages, type Messages } from "../i18n";
import { parameters, setParameters } from "../router";
import { dark, language } from "../settings";
import { ErrorNotice } from "./errors";
import { Choice } from "./fields";

type ChartTitle = keyof Messages["charts"]["titles"];
type SeriesName = keyof Messages["charts"]["series"];
type Measure = "count" | "rate" | "bytes" | "age" | "latency";

interface Line {
  series: ServerSeries;
  name: SeriesName;
  /** A custom property of the theme. */
  colour: string;
  area?: boolean;
}

export interface ChartSet {
  title: ChartTitle;
  measure: Measure;
  lines: readonly Line[];
}

const DEPTH: ChartSet = {
  title: "depth",
  measure: "count",
  lines: [
    { series: "visible", name: "visible", colour: "--visible", area: true },
    { series: "inFlight", name: "inFlight", colour: "--in-flight" },
    { series: "delayed", name: "delayed", colour: "--delayed" },
  ],
};
const RATES: ChartSet = {
  title: "rates",
  measure: "rate",
  lines: [
    { series: "sent", name: "sent", colour: "--sent", area: true },
    { series: "received", name: "received", colour: "--received" },
    { series: "deleted", name: "deleted", colour: "--deleted" },
  ],
};
const AGE: ChartSet = {
  title: "age",
  measure: "age",
  lines: [{ series: "oldestAgeMs", name: "oldest", colour: "--in-flight", area: true }],
};
const EMPTY: ChartSet = {
  title: "empty",
  measure: "rate",
  lines: [{ series: "emptyReceives", name: "emptyReceives", colour: "--received", area: true }],
};
const BYTES: ChartSet = {
  title: "sentBytes",
  measure: "bytes",
  lines: [{ series: "sentBytes", name: "sentBytes", colour: "--sent", area: true }],
};
const latency = (title: "sendLatency" | "receiveLatency" | "deleteLatency", p50: ServerSeries, p99: ServerSeries): ChartSet => ({
  title,
  measure: "latency",
  lines: [
    { series: p99, name: "p99", colour: "--in-flight" },
    { series: p50, name: "p50", colour: "--visible", area: true },
  ],
});

export const SERVER_OVERVIEW_CHARTS: readonly ChartSet[] = [DEPTH, RATES];
export const QUEUE_CHARTS: readonly ChartSet[] = [DEPTH, RATES, AGE, EMPTY, BYTES];
export const QUEUE_SHORT_CHARTS: readonly ChartSet[] = [DEPTH, RATES];
export const SERVER_CHARTS: readonly ChartSet[] = [
  {
    title: "requests",
    measure: "rate",
    lines: [
      { series: "requests", name: "requests", colour: "--visible", area: true },
      { series: "errors", name: "errors", colour: "--bad" },
    ],
  },
  latency("sendLatency", "sendP50Ms", "sendP99Ms"),
  latency("receiveLatency", "receiveP50Ms", "receiveP99Ms"),
  latency("deleteLatency", "deleteP50Ms", "deleteP99Ms"),
  RATES,
  DEPTH,
  { title: "journal", measure: "bytes", lines: [{ series: "journalBytes", name: "journal", colour: "--delayed", area: true }] },
  { title: "memory", measure: "bytes", lines: [{ series: "residentBytes", name: "memory", colour: "--visible", area: true }] },
];

export const RANGES = { "1h": 3_600_000, "6h": 21_600_000, "24h": 86_400_000, "7d": 604_800_000, "30d": 2_592_000_000, "90d": 7_776_000_000 };
type Range = keyof typeof RANGES;
const isRange = (text: string | null): text is Range => text !== null && text in RANGES;

const SHOWN: Record<Measure, (value: number | null) => string> = {
  count: compact,
  rate,
  bytes,
  age: (value) => duration(value),
  latency: milliseconds,
};

/** Charts of one subject over one span of time, which is part of the address. Without a queue: of the whole server. */
export function Charts({ queue, sets }: { queue?: string; sets: readonly ChartSet[] }): JSX.Element {
  const t = messages.value.charts;
  const wanted = parameters.value.get("range");
  const range: Range = isRange(wanted) ? wanted : "1h";
  const { history, error, reload } = useHistory(queue, sets, range);
  return (
    <section class="charts" aria-label={t.label}>
      <div class="row spread">
        <h2>{t.label}</h2>
        <Choice
          label={t.range}
          value={range}
          options={(Object.keys(RANGES) as Range[]).map((value) => ({ value, label: t.ranges[value], title: t.rangeTitles[value] }))}
          onValue={(value) => setParameters({ range: value === "1h" ? null : value }, { replace: true })}
        />
      </div>
      {error !== null && <ErrorNotice error={error} retry={reload} />}
      <div class="chart-grid" data-loaded={history !== null}>
        {sets.map((set) => (
          <Chart key={set.title} set={set} history={history} range={range} />
        ))}
      </div>
    </section>
  );
}

function useHistory(
  queue: string | undefined,
  sets: readonly ChartSet[],
  range: Range,
): { history: History | null; error: unknown; reload: () => void } {
  const [history, setHistory] = useState<History | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [turn, setTurn] = useState(0);
  const { account, region } = place.value;
  useEffect(() => {
    const stop = new AbortController();
    const toMs = Date.now();
    const series = [...new Set(sets.flatMap((set) => set.lines.map((line) => line.series)))];
    readHistory({ ...(queue ? { queue } : {}), series, fromMs: toMs - RANGES[range], toMs, points: 360 }, stop.signal)
      .then(
        (found) => {
          setHistory(found);
          setError(null);
        },
        (failure: unknown) => {
          if (!stop.signal.aborted) setError(failure);
        },
      );
    const timer = setTimeout(() => setTurn((before) => before + 1), range === "1h" ? 10_000 : 60_000);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [queue, sets, range, turn, account, region]);
  return { history, error, reload: () => setTurn((before) => before + 1) };
}

const STEPS = { count: "whole", rate: "tenths", bytes: "binary", age: "time", latency: "decimal" } as const;
const SERIES_AT_ONCE = 10;

/** The server gives a dozen series at a time; the spans being the same, so are the steps. */
async function readHistory(query: HistoryQuery, cancel: AbortSignal): Promise<History> {
  const parts: ServerSeries[][] = [];
  for (let at = 0; at < query.series.length; at += SERIES_AT_ONCE) parts.push(query.series.slice(at, at + SERIES_AT_ONCE));
  const found = await Promise.all(parts.map((series) => api.history({ ...query, series }, cancel)));
  const first = found[0] ?? { stepMs: 1, fromMs: query.fromMs, series: {} };
  return { ...first, series: Object.assign({}, ...found.map((part) => part.series)) };
}

const HEIGHT = 170;

function Chart({ set, history, range }: { set: ChartSet; history: History | null; range: Range }): JSX.Element {
  const t = messages.value.charts;
  const frame = useRef<HTMLDivElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const data = history ? table(set, history) : null;
  const latestData = useRef(data);
  latestData.current = data;
  const known = data !== null && data.slice(1).some((column) => column.some((value) => value !== null));

  // Drawn anew where a canvas can't follow by itself: theme, language, range.
  useEffect(() => {
    const element = frame.current;
    if (!element || !known) return undefined;
    let ended = false;
    let resize: ResizeObserver | null = null;
    void import("./plot").then(({ draw }) => {
      if (ended || !latestData.current) return;
      plot.current = draw(element, tip.current, {
        width: Math.max(200, element.clientWidth),
        height: HEIGHT,
        spanMs: RANGES[range],
        data: latestData.current,
        lines: set.lines.map((line) => ({ label: t.series[line.name], colour: colour(line.colour), area: line.area === true })),
        grid: colour("--line"),
        text: colour("--muted"),
        show: SHOWN[set.measure],
        showTime: (seconds) => dateTime(seconds * 1000),
        steps: STEPS[set.measure],
      });
      resize = new ResizeObserver(() => plot.current?.setSize({ width: Math.max(200, element.clientWidth), height: HEIGHT }));
      resize.observe(element);
    });
    return () => {
      ended = true;
      resize?.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [known, range, dark.value, language.value, set]);

  useEffect(() => {
    if (data && plot.current) plot.current.setData(data);
  }, [history]);

  const values = set.lines.map((line) => ({ line, last: last(history?.series[line.series]) }));
  const summary = `${t.titles[set.title]}: ${values.map(({ line, last }) => `${t.series[line.name]} ${SHOWN[set.measure](last)}`).join(", ")}`;
  return (
    <figure class="chart card" data-chart={set.title}>
      <figcaption>
        <span class="chart-title">{t.titles[set.title]}</span>
        <span class="legend">
          {values.map(({ line, last }) => (
            <span key={line.series} class="legend-item">
              <svg width="10" height="10" aria-hidden="true">
                <rect width="10" height="10" rx="2" class={`fill${line.colour}`} />
              </svg>
              {t.series[line.name]} <b class="number">{SHOWN[set.measure](last)}</b>
            </span>
          ))}
        </span>
      </figcaption>
      <div class="chart-frame" ref={frame} role="img" aria-label={summary}>
        {history && !known && <p class="chart-none">{t.none}</p>}
        <div class="chart-tip" ref={tip} hidden />
      </div>
    </figure>
  );
}

function colour(property: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(property).trim();
}

function table(set: ChartSet, history: History): uPlot.AlignedData {
  const columns = set.lines.map((line) => history.series[line.series] ?? []);
  const length = Math.max(0, ...columns.map((column) => column.length));
  const times = Array.from({ length }, (_, index) => (history.fromMs + index * history.stepMs) / 1000);
  return [times, ...columns.map((column) => Array.from({ length }, (_, index) => column[index] ?? null))];
}

function last(values: readonly (number | null)[] | undefined): number | null {
  return values?.findLast((value) => value !== null) ?? null;
}
