import type { JSX } from "preact";

const PATHS = {
  search: "M7 2.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9zM10.300 10.300 14 14",
  copy: "M5.500 5.500h8v8h-8zM10.500 5.500v-3h-8v8h3",
  check: "m3 8.500 3.500 3.500L13 4.500",
  close: "m4 4 8 8M12 4l-8 8",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  trash: "M2.500 4.500h11M6 4.500v-2h4v2M4 4.500l.6 9h6.800l.6-9M6.700 7v4M9.300 7v4",
  play: "M5 3v10l8-5z",
  stop: "M4 4h8v8H4z",
  refresh: "M13 8a5 5 0 1 1-1.500-3.550M13 2v3h-3",
  left: "M10 3 5 8l5 5",
  right: "m6 3 5 5-5 5",
  first: "M12 3 7 8l5 5M4 3v10",
  last: "m4 3 5 5-5 5M12 3v10",
  up: "m3 10 5-5 5 5",
  down: "m3 6 5 5 5-5",
  warning: "M8 2 1.500 13.500h13zM8 6.500v3.500M8 11.800v.2",
  info: "M8 1.800a6.200 6.200 0 1 0 0 12.400A6.200 6.200 0 0 0 8 1.800zM8 7.300v4M8 4.700v.2",
  lock: "M3.500 7.500h9v6h-9zM5.500 7.500V5a2.500 2.500 0 0 1 5 0v2.500",
  sun: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1v1.500M8 13.500V15M1 8h1.500M13.500 8H15M3 3l1.100 1.100M11.900 11.900 13 13M13 3l-1.100 1.100M4.100 11.900 3 13",
  moon: "M13.500 9.700A6 6 0 0 1 6.300 2.500a6 6 0 1 0 7.200 7.200z",
  half: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 2v12M8 5l4.500-.5M8 8h6M8 11l4.500.5",
  keyboard: "M1.500 4h13v8.500h-13zM4 6.800h.2M6.700 6.800h.2M9.300 6.800h.2M12 6.800h.2M4.500 9.800h7",
  out: "M6.500 2.500h-4v11h4M10 5l3 3-3 3M13 8H6",
  upload: "M8 10.500V2.500M5 5.300l3-3 3 3M2.500 10v3.500h11V10",
  download: "M8 2.500v8M5 7.700l3 3 3-3M2.500 10v3.500h11V10",
  edit: "m3 13 .6-2.900L10.800 3 13 5.200l-7.100 7.200z",
  send: "M14 2 1.800 6.800l4.700 2.700L9.200 14z",
  clock: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 4.800V8l2.200 1.500",
  redo: "M3 8a5 5 0 0 0 8.500 3.550M3 14v-3h3M13 8a5 5 0 0 0-8.500-3.550M13 2v3h-3",
  code: "m5 4.500-3.500 3.500L5 11.500M11 4.500l3.500 3.500-3.500 3.500M9.200 3 6.800 13",
  tag: "M2.500 2.500h5.300l5.700 5.700-5.300 5.300-5.700-5.700zM5.300 5.300v.2",
  list: "M2.500 4h11M2.500 8h11M2.500 12h11",
  home: "m2 8 6-5.500L14 8M4 6.500v7h8v-7",
  server: "M2.500 2.500h11v4.500h-11zM2.500 9h11v4.500h-11zM5 4.700h.2M5 11.200h.2",
} as const;

export type IconName = keyof typeof PATHS;

/** Decoration only: whatever an icon says is also said in words beside it or in its button's label. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }): JSX.Element {
  return (
    <svg
      class="icon"
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.400"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
