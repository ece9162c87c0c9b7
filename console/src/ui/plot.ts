import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { language } from "../settings";

/** The only place that knows the chart library; loaded when the first chart is shown. */
export interface PlotOptions {
  width: number;
  height: number;
  spanMs: number;
  data: uPlot.AlignedData;
  lines: { label: string; colour: string; area: boolean }[];
  grid: string;
  text: string;
  show: (value: number | null) => string;
  showTime: (seconds: number) => string;
  /** What steps are round: any decimal ones, whole ones, tenths (as rates are shown), minutes and hours (the values are ms), powers of two. */
  steps: "decimal" | "whole" | "tenths" | "time" | "binary";
}

const FONT = "11px system-ui, sans-serif";
const TIME_STEPS_MS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400, 172_800, 345_600, 604_800].map(
  (seconds) => seconds * 1000,
);
const BYTE_STEPS = Array.from({ length: 45 }, (_, power) => 2 ** power);
const decimals = (from: number): number[] => Array.from({ length: 13 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** (power + from))).flat();
const STEPS = { decimal: undefined, whole: decimals(0), tenths: decimals(-1), time: TIME_STEPS_MS, binary: BYTE_STEPS };
const DAY_MS = 86_400_000;

export function draw(element: HTMLElement, tip: HTMLElement | null, options: PlotOptions): uPlot {
  const axis = { stroke: options.text, font: FONT, grid: { stroke: options.grid, width: 1 }, ticks: { show: false } };
  return new uPlot(
    {
      width: options.width,
      height: options.height,
      padding: [10, 20, 0, 0],
      legend: { show: false },
      cursor: { y: false, sync: { key: "bongsu" }, points: { size: 6 }, drag: { x: false, y: false } },
      scales: { y: { range: (_plot, _least, most) => [0, (most ?? 0) > 0 ? (most as number) * 1.08 : 1] } },
      series: [
        {},
        ...options.lines.map((line) => ({
          label: line.label,
          stroke: line.colour,
          width: 1.5,
          spanGaps: false,
          points: { show: true, size: 4, fill: line.colour, stroke: line.colour, filter: lonely },
          ...(line.area ? { fill: `color-mix(in srgb, ${line.colour} 14%, transparent)` } : {}),
        })),
      ],
      axes: [
        { ...axis, space: 70, size: 28, values: (_plot, splits) => splits.map((seconds) => timeLabel(seconds * 1000, options.spanMs)) },
        {
          ...axis,
          size: (_plot, values) => Math.max(34, ...(values ?? []).map((value) => value.length * 6.6 + 12)),
          space: 30,
          values: (_plot, splits) => splits.map((value) => options.show(value)),
          ...(STEPS[options.steps] ? { incrs: STEPS[options.steps] } : {}),
        },
      ],
      hooks: { setCursor: [(plot) => showTip(plot, tip, options)] },
    },
    options.data,
    element,
  );
}

/** Points with nothing known on either side, which no line reaches. */
function lonely(plot: uPlot, series: number): number[] {
  const values = plot.data[series] ?? [];
  const known = (index: number): boolean => values[index] !== null && values[index] !== undefined;
  return Array.from(values.keys()).filter((index) => known(index) && !known(index - 1) && !known(index + 1));
}

function timeLabel(ms: number, spanMs: number): string {
  const format: Intl.DateTimeFormatOptions =
    spanMs <= DAY_MS ? { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } : { month: "short", day: "numeric" };
  return new Intl.DateTimeFormat(language.value, format).format(ms);
}

function showTip(plot: uPlot, tip: HTMLElement | null, options: PlotOptions): void {
  if (!tip) return;
  const index = plot.cursor.idx;
  const seconds = index === null || index === undefined ? undefined : plot.data[0][index];
  // All charts show the cursor's line; only the one below the pointer says more.
  if (seconds === undefined || (plot.cursor.left ?? -1) < 0 || !plot.over.matches(":hover")) {
    tip.hidden = true;
    return;
  }
  tip.replaceChildren(
    textElement("div", options.showTime(seconds), "tip-time"),
    ...options.lines.map((line, at) => {
      const row = textElement("div", "", "tip-row");
      const mark = textElement("span", "", "tip-mark");
      mark.style.backgroundColor = line.colour;
      row.append(mark, textElement("span", line.label), textElement("b", options.show(plot.data[at + 1]?.[index as number] ?? null)));
      return row;
    }),
  );
  tip.hidden = false;
  const left = (plot.cursor.left ?? 0) + plot.bbox.left / devicePixelRatio;
  const beyond = left + tip.offsetWidth + 24 > plot.width;
  tip.style.left = `${beyond ? left - tip.offsetWidth - 12 : left + 12}px`;
}

function textElement(name: string, text: string, className = ""): HTMLElement {
  const element = document.createElement(name);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}
