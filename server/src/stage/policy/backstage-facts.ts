// Reads backstage entries: the hash of the host link's secret, and removed people.

import { timingSafeEqual } from "node:crypto";
import type { PersonId } from "@hustings/wire/ids.ts";
import type { BackstageEntry } from "@hustings/wire/log/lanes.ts";

/** Compares with the newest host link, in constant time. */
export function matchesHostSecret(backstage: readonly BackstageEntry[], secretHash: string): boolean {
  const newest = backstage.findLast((entry) => entry.kind === "host-secret")?.secretHash;
  if (newest === undefined) return false;
  const expected = Buffer.from(newest);
  const given = Buffer.from(secretHash);
  return expected.length === given.length && timingSafeEqual(expected, given);
}

/** By person, oldest first, with their names; their ids where no name was written. */
export function barredOf(backstage: readonly BackstageEntry[]): Map<PersonId, string> {
  const barred = new Map<PersonId, string>();
  for (const entry of backstage) {
    if (entry.kind === "barred") barred.set(entry.person, entry.name ?? entry.person);
    else if (entry.kind === "unbarred") barred.delete(entry.person);
  }
  return barred;
}
