// Owns how times, delays and counts are said. Pure: the time of day is an argument. Refuses to know what they are of.

const NUMBER = new Intl.NumberFormat("en");
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Nearer than this is live to anyone's ear. */
const LIVE_WITHIN_MS = 2_500;

export function countOf(count: number): string {
  return NUMBER.format(Math.max(0, Math.round(count)));
}

/** "Nobody is listening", "1 person is listening", "12,480 people are listening". */
export function audienceOf(count: number): string {
  if (count <= 0) return "Nobody is listening";
  return `${countOf(count)} ${count === 1 ? "person is" : "people are"} listening`;
}

/** "1st", "22nd", "2,140th". */
export function ordinalOf(count: number): string {
  const [tens, ones] = [count % 100, count % 10];
  const end = tens >= 11 && tens <= 13 ? "th" : (["th", "st", "nd", "rd"][ones] ?? "th");
  return `${countOf(count)}${end}`;
}

/** "less than a minute", "about 3 minutes", "about 2 hours". */
export function waitOf(waitMs: number): string {
  const minutes = Math.round(waitMs / MINUTE_MS);
  if (minutes < 1) return "less than a minute";
  if (minutes < 90) return `about ${minutes} minute${minutes === 1 ? "" : "s"}`;
  return `about ${Math.round(minutes / 60)} hours`;
}

/** "live", "4 s behind", "3 min behind"; nothing known is "live", as a listener starts near the head. */
export function behindOf(lagMs: number): string {
  if (!(lagMs >= LIVE_WITHIN_MS)) return "live";
  const seconds = Math.round(lagMs / 1_000);
  return seconds < 100 ? `${seconds} s behind` : `${Math.round(seconds / 60)} min behind`;
}

/** "0.8 s behind", "12 s behind": of many, and measured. */
export function aboutBehindOf(lagMs: number): string {
  return `${lagMs < 9_950 ? (lagMs / 1_000).toFixed(1) : Math.round(lagMs / 1_000)} s behind`;
}

/** "just now", "12 minutes ago", "3 hours ago", beyond a day the date in the reader's zone. */
export function agoOf(utcMs: number, nowUtcMs: number): string {
  const agoMs = nowUtcMs - utcMs;
  if (agoMs < MINUTE_MS) return "just now";
  if (agoMs < HOUR_MS) return plural(Math.floor(agoMs / MINUTE_MS), "minute");
  if (agoMs < DAY_MS) return plural(Math.floor(agoMs / HOUR_MS), "hour");
  return `on ${new Intl.DateTimeFormat("en", { day: "numeric", month: "long", year: "numeric" }).format(utcMs)}`;
}

function plural(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? "" : "s"} ago`;
}
