// Holds back the lowering of a hand that just went up; raising it again cancels that. A quick change makes one entry.

import type { Clock, Timer } from "@hustings/flow/clock.ts";
import type { PersonId } from "@hustings/wire/ids.ts";

export interface HeldLowerings {
  raised(person: PersonId): void;
  /** True: the hand may be lowered. False: it was raised again. */
  mayLower(person: PersonId): Promise<boolean>;
  /** False: no lowering waits for this person. */
  cancel(person: PersonId): boolean;
  close(): void;
}

/** A hand that went up stays up for at least this long, unless a host lowers it. */
export const HAND_STAYS_UP_MS = 2_000;
/** More than the hands that may be up; then the oldest is forgotten. */
const MAX_REMEMBERED = 200;

interface Waiting extends PromiseWithResolvers<boolean> {
  readonly timer: Timer;
}

export function createHeldLowerings(clock: Clock): HeldLowerings {
  const raisedMs = new Map<PersonId, number>();
  const waiting = new Map<PersonId, Waiting>();

  function settle(person: PersonId, mayLower: boolean): boolean {
    const held = waiting.get(person);
    waiting.delete(person);
    held?.timer.cancel();
    held?.resolve(mayLower);
    return held !== undefined;
  }

  return {
    raised(person) {
      raisedMs.delete(person);
      raisedMs.set(person, clock.monotonicMs());
      if (raisedMs.size > MAX_REMEMBERED) raisedMs.delete(raisedMs.keys().next().value as PersonId);
    },
    async mayLower(person) {
      const held = waiting.get(person);
      if (held !== undefined) return held.promise;
      const leftMs = (raisedMs.get(person) ?? -Infinity) + HAND_STAYS_UP_MS - clock.monotonicMs();
      if (leftMs <= 0) return true;
      const timer = clock.after(leftMs, () => settle(person, true));
      const added = { ...Promise.withResolvers<boolean>(), timer };
      waiting.set(person, added);
      return added.promise;
    },
    cancel: (person) => settle(person, false),
    close() {
      for (const person of [...waiting.keys()]) settle(person, true);
    },
  };
}
