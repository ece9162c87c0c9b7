import type { JSX } from "preact";
import { Charts, QUEUE_CHARTS } from "../../ui/charts";
import type { TabProps } from "./queue";

export function ChartsTab({ queue }: TabProps): JSX.Element {
  return <Charts queue={queue.name} sets={QUEUE_CHARTS} />;
}
