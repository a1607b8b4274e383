// Reads values that several commands take as arguments. Each function throws an Error for the person at the terminal.

import { CADENCE_LADDER } from "@hustings/wire/listen/cadence.ts";
import { RENDITIONS, type Rendition } from "@hustings/wire/units.ts";

export function readNumber(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text !== "" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`--${flag} must be a whole number from ${least} to ${most}, not "${text}".`);
}

/** Returns milliseconds; `undefined`: not given. */
export function readSeconds(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (seconds > 0 && Number.isFinite(seconds)) return seconds * 1000;
  throw new Error(`--${flag} must be a number of seconds above 0, not "${text}".`);
}

export function readCadence(text: string): number | "auto" {
  if (text === "auto") return text;
  const rung = CADENCE_LADDER.find(({ cadenceMs }) => cadenceMs === Number(text) * 1000);
  if (rung !== undefined) return rung.cadenceMs;
  const known = CADENCE_LADDER.map(({ cadenceMs }) => cadenceMs / 1000).join(", ");
  throw new Error(`--cadence must be auto or one of ${known}, not "${text}".`);
}

export function readRendition(text: string): Rendition {
  const rendition = RENDITIONS.find((known) => known === text);
  if (rendition !== undefined) return rendition;
  throw new Error(`--rendition must be ${RENDITIONS.join(" or ")}, not "${text}".`);
}
