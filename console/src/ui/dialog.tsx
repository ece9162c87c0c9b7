import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { messages } from "../i18n";
import { ErrorNotice } from "./errors";
import { Button } from "./basics";

interface DialogProps {
  title: ComponentChildren;
  children: ComponentChildren;
  footer?: ComponentChildren;
  wide?: boolean;
  /** A panel at the side instead of a box in the middle. */
  drawer?: boolean;
  onClose: () => void;
  onSubmit?: () => void;
}

/** A modal dialog: the browser's own, which keeps the focus inside, closes on Esc and gives the focus back. */
export function Dialog(props: DialogProps): JSX.Element {
  const element = useRef<HTMLDialogElement>(null);
  const title = useId();
  const close = useRef(props.onClose);
  close.current = props.onClose;
  useEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={`dialog ${props.wide ? "wide" : ""} ${props.drawer ? "drawer" : ""}`}
      aria-labelledby={title}
      onCancel={(event) => {
        event.preventDefault();
        close.current();
      }}
      onMouseDown={(event) => {
        if (event.target === element.current) close.current();
      }}
    >
      <form
        method="dialog"
        class="dialog-box"
        onSubmit={(event) => {
          event.preventDefault();
          props.onSubmit?.();
        }}
      >
        <header class="dialog-head">
          <h2 id={title}>{props.title}</h2>
          <Button tone="quiet" icon="close" label={messages.value.common.close} onClick={() => close.current()} />
        </header>
        <div class="dialog-body">{props.children}</div>
        {props.footer && <footer class="dialog-foot">{props.footer}</footer>}
      </form>
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  children: ComponentChildren;
  /** What has to be typed before the button works; where little is lost, nothing. */
  phrase?: string;
  action: string;
  onConfirm: () => Promise<void>;
  onClose: () => void;
}

/** For what can't be undone. Whoever wants a queue or all of its messages gone types the queue's name. */
export function ConfirmDialog(props: ConfirmProps): JSX.Element {
  const t = messages.value.common;
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const field = useId();
  const matches = props.phrase === undefined || typed === props.phrase;
  const submit = async (): Promise<void> => {
    if (!matches || busy) return;
    setBusy(true);
    setError(null);
    try {
      await props.onConfirm();
      props.onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={props.title}
      onClose={props.onClose}
      onSubmit={() => void submit()}
      footer={
        <>
          <Button onClick={props.onClose}>{t.cancel}</Button>
          <Button tone="danger" submit busy={busy} disabled={!matches}>
            {props.action}
          </Button>
        </>
      }
    >
      {props.children}
      {props.phrase !== undefined && (
        <div class="field">
          <label for={field}>{t.typeToConfirm(props.phrase)}</label>
          <input
            id={field}
            class="mono"
            value={typed}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            autofocus
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </div>
      )}
      {error !== null && <ErrorNotice error={error} />}
    </Dialog>
  );
}
