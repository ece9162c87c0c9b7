import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { messages } from "../i18n";
import { explain } from "../i18n/errors";
import { Icon } from "./icons";

interface Toast {
  id: number;
  tone: "success" | "error" | "quiet";
  text: string;
  code?: string;
}

const toasts = signal<Toast[]>([]);
let next = 1;
const SHOWN_MS = { success: 5_000, error: 12_000, quiet: 1_500 };

export function toast(what: Omit<Toast, "id">): void {
  const id = next++;
  toasts.value = [...toasts.value.slice(-3), { ...what, id }];
  setTimeout(() => dismiss(id), SHOWN_MS[what.tone]);
}

/** Says in words what went wrong, with the code that AWS has for it. Nothing for a request that was called off. */
export function toastError(error: unknown): void {
  if (error instanceof DOMException && error.name === "AbortError") return;
  const { text, code } = explain(error);
  toast({ tone: "error", text, code });
}

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((one) => one.id !== id);
}

/** The live region: what appears here is read out. An open dialog would cover it, so it is a popover, shown anew above all. */
export function Toasts(): JSX.Element {
  const element = useRef<HTMLDivElement>(null);
  const shown = toasts.value.length > 0;
  const newest = toasts.value.at(-1)?.id;
  useEffect(() => {
    const region = element.current;
    if (region?.matches(":popover-open")) region.hidePopover();
    if (shown) region?.showPopover();
  }, [newest, shown]);
  return (
    <div ref={element} class="toasts" role="status" aria-live="polite" popover="manual">
      {toasts.value.map((one) => (
        <div key={one.id} class={`toast ${one.tone}`}>
          <Icon name={one.tone === "error" ? "warning" : "check"} />
          <span class="grow">
            {one.text} {one.code && <code>{one.code}</code>}
          </span>
          {one.tone !== "quiet" && (
            <button type="button" class="button quiet small icon-only" aria-label={messages.value.common.close} onClick={() => dismiss(one.id)}>
              <Icon name="close" />
            </button>
          )}
        </div>
      ))}
    </div>
  );
}
