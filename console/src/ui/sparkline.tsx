import type { JSX } from "preact";
import { compact } from "../format";
import { messages } from "../i18n";

const WIDTH = 90;
const HEIGHT = 22;

/** The last half hour of a queue's depth. Gaps stay gaps. */
export function Sparkline({ values }: { values: readonly (number | null)[] }): JSX.Element {
  const known = values.filter((value) => value !== null);
  const top = Math.max(1, ...known);
  const step = WIDTH / Math.max(1, values.length - 1);
  let pen = false;
  let line = "";
  values.forEach((value, index) => {
    if (value === null) {
      pen = false;
      return;
    }
    const x = (index * step).toFixed(1);
    const y = (HEIGHT - 2 - (value / top) * (HEIGHT - 4)).toFixed(1);
    // A point between two gaps is a dot: a line of no length with round ends.
    line += pen ? `L${x} ${y}` : `M${x} ${y}h0`;
    pen = true;
  });
  const last = known.at(-1);
  const label = last === undefined ? messages.value.queues.noHistory : messages.value.queues.sparkline(compact(Math.min(...known)), compact(Math.max(...known)));
  return (
    <svg class={`spark ${top === 1 && last === 0 ? "flat" : ""}`} width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
      <title>{label}</title>
      <path d={line} fill="none" stroke-linecap="round" />
    </svg>
  );
}
