import { computed, signal } from "@preact/signals";

/** Where the browser is. A queue's name is a parameter, not part of the path: FIFO names have a dot, as files do. */
export const location = signal(current());

function current(): { path: string; parameters: URLSearchParams } {
  const { pathname, search } = window.location;
  return { path: pathname, parameters: new URLSearchParams(search) };
}

export const path = computed(() => location.value.path);
export const parameters = computed(() => location.value.parameters);

let guard: (() => boolean) | null = null;

/** Asks before the page is left with something unsaved; null asks no more. */
export function setGuard(mayLeave: (() => boolean) | null): void {
  guard = mayLeave;
}

/** Answers whether it went: who has something unsaved may want to stay. */
export function go(address: string, how: { replace?: boolean; keepScroll?: boolean } = {}): boolean {
  if (!how.replace && guard && !guard()) return false;
  if (!how.replace) guard = null;
  window.history[how.replace ? "replaceState" : "pushState"](null, "", address);
  location.value = current();
  if (!how.keepScroll) window.scrollTo(0, 0);
  return true;
}

/** Changes parameters of the page that is shown; empty ones go. */
export function setParameters(changes: Record<string, string | null>, how: { replace?: boolean } = {}): void {
  const next = new URLSearchParams(parameters.value);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString();
  go(text === "" ? path.value : `${path.value}?${text}`, { ...how, keepScroll: true });
}

export const address = {
  overview: (): string => "/",
  queues: (filter: Record<string, string> = {}): string => {
    const text = new URLSearchParams(filter).toString();
    return text === "" ? "/queues" : `/queues?${text}`;
  },
  create: (like?: string): string => (like ? `/create?like=${encodeURIComponent(like)}` : "/create"),
  queue: (name: string, tab?: string): string =>
    `/queue?name=${encodeURIComponent(name)}${tab && tab !== "overview" ? `&tab=${tab}` : ""}`,
  server: (): string => "/server",
};

/** Lets links be links: a plain click stays in the page, everything else (new tab, middle button) is the browser's. */
export function followLinks(): void {
  window.addEventListener("popstate", () => {
    location.value = current();
  });
  window.addEventListener("beforeunload", (event) => {
    if (guard) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
      return;
    const link = (event.target as Element | null)?.closest?.("a[href]");
    if (!(link instanceof HTMLAnchorElement) || link.target !== "" || link.hasAttribute("download")) return;
    if (link.origin !== window.location.origin || link.hasAttribute("data-outside")) return;
    if (link.hash !== "" && link.pathname === window.location.pathname) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
