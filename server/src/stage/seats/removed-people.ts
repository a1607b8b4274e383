// The people whom a host has removed from the stage and not invited again.

import type { PersonId } from "@hustings/wire/ids.ts";
import { type BackstageChange, type BackstageEntry, MAX_BARRED } from "@hustings/wire/log/lanes.ts";
import type { StageMessage } from "@hustings/wire/stage/data-channel.ts";
import { barredOf } from "../policy/backstage-facts.ts";

export interface RemovedPeople {
  /** By person, oldest first, with their names. */
  readonly barred: ReadonlyMap<PersonId, string>;
  /** True: the change removes or readmits somebody; it counts from now on. */
  note(change: BackstageChange): boolean;
  message(): StageMessage;
}

/** More than a host can work through; a page gets the newest. */
const MAX_SENT = 20;

export function createRemovedPeople(backstage: readonly BackstageEntry[]): RemovedPeople {
  const barred = barredOf(backstage);
  return {
    barred,
    note(change) {
      if (change.kind === "barred") {
        barred.set(change.person, change.name ?? change.person);
        for (const oldest of barred.keys()) if (barred.size > MAX_BARRED) barred.delete(oldest);
      } else if (change.kind === "unbarred") barred.delete(change.person);
      else return false;
      return true;
    },
    message: () => ({
      kind: "removed",
      people: [...barred].slice(-MAX_SENT).map(([person, name]) => ({ person, name })),
    }),
  };
}
