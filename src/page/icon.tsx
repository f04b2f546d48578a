import type { JSX } from "preact";
import type { Mood } from "./verdict.ts";

/** A sign, which is drawn in the colour of the mood around it. */
export type Sign = keyof typeof PATHS;

/** What each sign is drawn with, in a square of 24. */
const PATHS = {
  check: "M5 12.5 10 17.5 19 7",
  load: "M12 4v10M7 10l5 5 5-5M5 20h14",
  pause: "M9 6v12M15 6v12",
  clock: "M12 6v6l4 3M21 12a9 9 0 1 1-18 0a9 9 0 0 1 18 0",
  alert: "M12 4v10M12 19.5v.5",
  cross: "M6 6 18 18M18 6 6 18",
} as const;

/** The sign of each mood, where there is no better one. */
export const SIGNS = {
  good: "check",
  busy: "load",
  idle: "clock",
  warn: "alert",
  bad: "cross",
} as const satisfies Record<Mood, Sign>;

/** A sign; what it means is always said in words beside it. */
export function Icon({ sign }: { sign: Sign }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[sign]} />
    </svg>
  );
}

/** The icon of the page in the colour of a mood, as an address. */
export function iconUrl(mood: Mood): string {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">` +
    `<rect width="32" height="32" rx="9" fill="${COLORS[mood]}"/>` +
    `<path d="${
      PATHS[SIGNS[mood]]
    }" transform="translate(4 4)" fill="none" stroke="#fff" ` +
    `stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

const COLORS: Readonly<Record<Mood, string>> = {
  good: "#18794e",
  busy: "#1d5fc4",
  idle: "#5b6472",
  warn: "#9a5b00",
  bad: "#c1292e",
};
