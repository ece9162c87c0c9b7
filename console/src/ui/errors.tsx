import type { JSX } from "preact";
import { messages } from "../i18n";
import { explain } from "../i18n/errors";
import { Button, Notice } from "./basics";

/** An error in words, with its code, and a way to try again where there is one. */
export function ErrorNotice({ error, retry }: { error: unknown; retry?: () => void }): JSX.Element {
  const { text, code, detail } = explain(error);
  return (
    <Notice
      tone="error"
      action={
        retry && (
          <Button small icon="refresh" onClick={retry}>
            {messages.value.common.retry}
          </Button>
        )
      }
    >
      {text} <code>{code}</code>
      {detail && <div class="notice-detail">{detail}</div>}
    </Notice>
  );
}
