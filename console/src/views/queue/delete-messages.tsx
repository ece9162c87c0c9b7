import type { JSX } from "preact";
import { api } from "../../api/client";
import { count } from "../../format";
import { messages } from "../../i18n";
import { Notice } from "../../ui/basics";
import { ConfirmDialog } from "../../ui/dialog";
import { operateOn, reportOperation, type Outcome } from "./operate";

/** Asks once more, then takes messages away, whoever holds them. */
export function DeleteMessages(props: {
  queue: string;
  sequences: readonly string[];
  onClose: () => void;
  onDone: (outcome: Outcome) => void;
}): JSX.Element {
  const t = messages.value.browse;
  return (
    <ConfirmDialog
      title={t.deleteTitle(count(props.sequences.length))}
      action={messages.value.common.delete}
      onClose={props.onClose}
      onConfirm={async () => {
        const outcome = await operateOn(props.sequences, (some) => api.discard(props.queue, some));
        props.onDone(outcome);
        reportOperation(outcome, t.deleted);
      }}
    >
      <Notice tone="warning">{t.deleteText}</Notice>
    </ConfirmDialog>
  );
}
