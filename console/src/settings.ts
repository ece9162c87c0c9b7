import { effect, signal } from "@preact/signals";

/** What the browser remembers between visits. Nothing secret is ever kept here. */
export type Theme = "system" | "light" | "dark";
export type Language = "en" | "ko";

function read<T extends string>(key: string, allowed: readonly T[], otherwise: T): T {
  try {
    const found = localStorage.getItem(`bongsu.${key}`);
    return allowed.find((value) => value === found) ?? otherwise;
  } catch {
    // A browser may forbid storage; the console works without.
    return otherwise;
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(`bongsu.${key}`, value);
  } catch {
    // As above.
  }
}

const browserLanguage = (): Language => (navigator.language.toLowerCase().startsWith("ko") ? "ko" : "en");

export const theme = signal<Theme>(read("theme", ["system", "light", "dark"], "system"));
export const language = signal<Language>(read("language", ["en", "ko"], browserLanguage()));
export const pageSize = signal<"25" | "50" | "100">(read("page-size", ["25", "50", "100"], "50"));

const systemDark = matchMedia("(prefers-color-scheme: dark)");
export const dark = signal(false);

function applyTheme(): void {
  dark.value = theme.value === "dark" || (theme.value === "system" && systemDark.matches);
  document.documentElement.dataset["theme"] = dark.value ? "dark" : "light";
}

/** Applies and remembers the settings from here on. */
export function followSettings(): void {
  systemDark.addEventListener("change", applyTheme);
  effect(() => {
    write("theme", theme.value);
    applyTheme();
  });
  effect(() => {
    write("language", language.value);
    document.documentElement.lang = language.value;
  });
  effect(() => write("page-size", pageSize.value));
}
