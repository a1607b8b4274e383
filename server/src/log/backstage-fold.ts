// Keeps the part of the backstage lane that still counts: facts that nothing later replaces, and the newest evidence.

import type { PersonId } from "@hustings/wire/ids.ts";
import { type BackstageEntry, MAX_BARRED } from "@hustings/wire/log/lanes.ts";

/** Of who acted, and of repairs, each. */
export const MAX_EVIDENCE = 1_000;

export interface BackstageFold {
  add(entry: BackstageEntry): void;
  /** By `seq`, with the numbers they were given. The newest entry is always among them. */
  entries(): readonly BackstageEntry[];
  /** 0: no entries. */
  readonly newestSeq: number;
}

export function createBackstageFold(): BackstageFold {
  const barred = new Map<PersonId, BackstageEntry>();
  const acted: BackstageEntry[] = [];
  const repaired: BackstageEntry[] = [];
  let hostSecret: BackstageEntry | undefined;
  let newest: BackstageEntry | undefined;
  let listed: readonly BackstageEntry[] | undefined;

  function keep(entry: BackstageEntry): void {
    switch (entry.kind) {
      case "host-secret":
        hostSecret = entry;
        break;
      case "barred":
        barred.delete(entry.person);
        barred.set(entry.person, entry);
        for (const oldest of barred.keys()) if (barred.size > MAX_BARRED) barred.delete(oldest);
        break;
      case "unbarred":
        barred.delete(entry.person);
        break;
      case "acted":
        addNewest(acted, entry);
        break;
      case "log-repaired":
        addNewest(repaired, entry);
    }
  }

  return {
    add(entry) {
      keep(entry);
      newest = entry;
      listed = undefined;
    },
    entries() {
      const facts = hostSecret === undefined ? [] : [hostSecret];
      listed ??= [...new Set([...facts, ...barred.values(), ...acted, ...repaired, ...(newest ? [newest] : [])])].sort(
        (one, other) => one.seq - other.seq,
      );
      return listed;
    },
    get newestSeq() {
      return newest?.seq ?? 0;
    },
  };
}

function addNewest(entries: BackstageEntry[], entry: BackstageEntry): void {
  entries.push(entry);
  if (entries.length > MAX_EVIDENCE) entries.shift();
}
