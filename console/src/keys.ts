import { address, go } from "./router";
import { helpOpen } from "./views/help";

const CHORD_MS = 1_200;

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** Puts the cursor in the page's search field, going to the queue list where there is none. */
export function focusSearch(): void {
  const field = document.querySelector<HTMLInputElement>("[data-search]");
  if (field) {
    field.focus();
    field.select();
    return;
  }
  go(address.queues());
  requestAnimationFrame(() => requestAnimationFrame(() => document.querySelector<HTMLInputElement>("[data-search]")?.focus()));
}

/** The shortcuts that hold everywhere. None of them while something is typed or a dialog is open. */
export function followKeys(): () => void {
  let chordUntilMs = 0;
  const goTo: Record<string, string> = { o: address.overview(), q: address.queues(), s: address.server(), c: address.create() };
  const onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape" && !document.querySelector("dialog[open]")) (event.target as HTMLElement).blur();
      return;
    }
    if (document.querySelector("dialog[open]")) return;
    const now = performance.now();
    const target = now < chordUntilMs ? goTo[event.key] : undefined;
    chordUntilMs = event.key === "g" ? now + CHORD_MS : 0;
    if (target) {
      event.preventDefault();
      go(target);
    } else if (event.key === "/") {
      event.preventDefault();
      focusSearch();
    } else if (event.key === "?") {
      event.preventDefault();
      helpOpen.value = true;
    }
  };
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
}
