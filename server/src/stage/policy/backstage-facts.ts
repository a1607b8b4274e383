// Owns the secret of a space's host link as the stage knows it: a hash, kept backstage. Refuses to see the secret itself.

import { timingSafeEqual } from "node:crypto";
import type { PersonId } from "@hustings/wire/ids.ts";
import type { BackstageEntry } from "@hustings/wire/log/lanes.ts";

/** Whether `secretHash` is that of the newest host link. Takes the same time whatever the difference. */
export function matchesHostSecret(backstage: readonly BackstageEntry[], secretHash: string): boolean {
  const newest = backstage.findLast((entry) => entry.kind === "host-secret")?.secretHash;
  if (newest === undefined) return false;
  const expected = Buffer.from(newest);
  const given = Buffer.from(secretHash);
  return expected.length === given.length && timingSafeEqual(expected, given);
}

/** Who was removed and not invited since. */
export function barredOf(backstage: readonly BackstageEntry[]): Set<PersonId> {
  const barred = new Set<PersonId>();
  for (const entry of backstage) {
    if (entry.kind === "barred") barred.add(entry.person);
    else if (entry.kind === "unbarred") barred.delete(entry.person);
  }
  return barred;
}
