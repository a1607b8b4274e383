// Turns delays and times into phrases of the chosen language.

import type { PageText } from "./text.ts";

type Times = PageText["times"];

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const LIVE_WITHIN_MS = 2_500;

/** "less than a minute", "about 3 minutes", "about 2 hours". */
export function waitPhrase(waitMs: number, times: Times): string {
  const minutes = Math.round(waitMs / MINUTE_MS);
  if (minutes < 1) return times.underAMinute;
  return minutes < 90 ? times.aboutMinutes(minutes) : times.aboutHours(Math.round(minutes / 60));
}

/** "live", "4 s behind", "3 min behind". An unknown lag (NaN) is "live", because listeners start near the head. */
export function behindPhrase(lagMs: number, times: Times): string {
  if (!(lagMs >= LIVE_WITHIN_MS)) return times.live;
  const seconds = Math.round(lagMs / 1_000);
  return seconds < 100 ? times.secondsBehind(seconds) : times.minutesBehind(Math.round(seconds / 60));
}

/** "0.8 s behind", "12 s behind": measured over many listeners. */
export function measuredBehindPhrase(lagMs: number, times: Times): string {
  const seconds = lagMs / 1_000;
  return times.secondsBehind(lagMs < 9_950 ? Math.round(seconds * 10) / 10 : Math.round(seconds));
}

/** "just now", "12 minutes ago", "3 hours ago", and after a day the date in the reader's time zone. */
export function agoPhrase(utcMs: number, nowUtcMs: number, times: Times): string {
  const agoMs = nowUtcMs - utcMs;
  if (agoMs < MINUTE_MS) return times.justNow;
  if (agoMs < HOUR_MS) return times.minutesAgo(Math.floor(agoMs / MINUTE_MS));
  if (agoMs < DAY_MS) return times.hoursAgo(Math.floor(agoMs / HOUR_MS));
  return times.onDate(utcMs);
}
