import { language } from "./settings";

const cache = new Map<string, Intl.NumberFormat>();

function numbers(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = language.value + JSON.stringify(options);
  let found = cache.get(key);
  if (!found) {
    found = new Intl.NumberFormat(language.value, options);
    cache.set(key, found);
  }
  return found;
}

/** What stands where nothing is known. */
export const NONE = "–";

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? NONE : numbers({ maximumFractionDigits: 0 }).format(value);
}

/** Short for narrow places: 12K, 1.2M. Exact below ten thousand. */
export function compact(value: number | null | undefined): string {
  if (value === null || value === undefined) return NONE;
  if (Math.abs(value) < 10_000) return numbers({ maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
  return numbers({ notation: "compact", maximumFractionDigits: 1 }).format(value);
}

/** Per second. */
export function rate(value: number | null | undefined): string {
  if (value === null || value === undefined) return NONE;
  if (value === 0) return "0";
  if (value < 0.1) return `< ${numbers({ maximumFractionDigits: 1 }).format(0.1)}`;
  return value < 10 ? numbers({ maximumFractionDigits: 1 }).format(value) : compact(Math.round(value));
}

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return NONE;
  let amount = value;
  let unit = 0;
  while (Math.abs(amount) >= 1024 && unit < BYTE_UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || amount >= 100 ? 0 : 1;
  return `${numbers({ maximumFractionDigits: digits }).format(amount)} ${BYTE_UNITS[unit]}`;
}

export function percent(value: number): string {
  return numbers({ style: "percent", maximumFractionDigits: value < 0.1 ? 1 : 0 }).format(value);
}

/** A latency. */
export function milliseconds(value: number | null | undefined): string {
  if (value === null || value === undefined) return NONE;
  if (value >= 1000) return `${numbers({ maximumFractionDigits: value >= 10_000 ? 0 : 1 }).format(value / 1000)} s`;
  return `${numbers({ maximumSignificantDigits: value < 100 ? 2 : 3 }).format(value)} ms`;
}

const SPANS: [Intl.NumberFormatOptions["unit"], number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** A span of time in at most two units: "3 days 4 hr". */
export function duration(ms: number | null | undefined, unitDisplay: "short" | "long" | "narrow" = "short"): string {
  if (ms === null || ms === undefined) return NONE;
  let rest = Math.max(0, Math.round(ms / 1000));
  const parts: string[] = [];
  for (const [unit, seconds] of SPANS) {
    const amount = Math.floor(rest / seconds);
    if (amount === 0 && !(seconds === 1 && parts.length === 0)) {
      if (parts.length > 0) break;
      continue;
    }
    rest -= amount * seconds;
    parts.push(numbers({ style: "unit", unit: unit as string, unitDisplay }).format(amount));
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}

export function dateTime(ms: number, seconds = true): string {
  return new Intl.DateTimeFormat(language.value, {
    dateStyle: "medium",
    timeStyle: seconds ? "medium" : "short",
    hourCycle: "h23",
  }).format(ms);
}

export function clock(ms: number): string {
  return new Intl.DateTimeFormat(language.value, { timeStyle: "medium" }).format(ms);
}

/** Down to the millisecond, for messages: their order within a second matters. */
export function preciseTime(ms: number): string {
  return new Intl.DateTimeFormat(language.value, {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
    hourCycle: "h23",
  }).format(ms);
}

/** "3 minutes ago", from a point in the past or future. */
export function relative(ms: number, nowMs = Date.now()): string {
  const seconds = (ms - nowMs) / 1000;
  const format = new Intl.RelativeTimeFormat(language.value, { numeric: "auto", style: "short" });
  for (const [unit, size] of SPANS) {
    if (Math.abs(seconds) >= size || unit === "second") {
      return format.format(Math.trunc(seconds / size), unit as Intl.RelativeTimeFormatUnit);
    }
  }
  return "";
}

/** Orders names as people of the chosen language do, with numbers inside them by value. */
export function compareNames(left: string, right: string): number {
  return new Intl.Collator(language.value, { numeric: true }).compare(left, right);
}

export function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
