// Owns about how many listen by pull at this edge: distinct callers of a playlist of late, in a sketch that does not grow
// and cannot be read back. Refuses to know who they are, and those behind a cache, which asks for them all.

import type { Clock } from "@hustings/flow/clock.ts";

export interface PullCount {
  /** Somebody asked for a playlist. */
  count(address: string, agent: string): void;
  /** How many callers there were within the last WINDOW_MS to twice that; some per cent off above a few hundred. */
  readonly estimate: number;
}

/** A reload is made each second, or waits for 12 s at most. */
export const WINDOW_MS = 15_000;
/** Bits of each of two windows: 8 KiB for a space with people who pull. */
const BITS = 32_768;
/** Of one address at most so many are told apart, by what they say that they are. */
const AGENTS = 16;

/** Linear counting (Whang, Vander-Zanden and Taylor 1990): the share of bits that nobody has set says how many have set some. */
export function createPullCount(clock: Clock): PullCount {
  let now = new Uint8Array(BITS / 8);
  let before = new Uint8Array(BITS / 8);
  let sinceMs = clock.monotonicMs();

  function turn(): void {
    const windows = Math.floor((clock.monotonicMs() - sinceMs) / WINDOW_MS);
    if (windows === 0) return;
    sinceMs += windows * WINDOW_MS;
    before = windows === 1 ? now : new Uint8Array(BITS / 8);
    now = new Uint8Array(BITS / 8);
  }

  return {
    count(address, agent) {
      turn();
      const bit = hash(`${address} ${hash(agent) % AGENTS}`) % BITS;
      now[bit >> 3] = (now[bit >> 3] ?? 0) | (1 << (bit & 7));
    },
    get estimate() {
      turn();
      let clear = BITS;
      for (let i = 0; i < now.length; i++) clear -= onesIn((now[i] ?? 0) | (before[i] ?? 0));
      return Math.round(BITS * Math.log(BITS / Math.max(1, clear)));
    },
  };
}

/** FNV-1a, and a last mixing, because neighbouring addresses differ in little. */
function hash(text: string): number {
  let sum = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193);
  sum = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b);
  return (sum ^ (sum >>> 13)) >>> 0;
}

function onesIn(byte: number): number {
  let count = 0;
  for (let left = byte; left > 0; left &= left - 1) count++;
  return count;
}
