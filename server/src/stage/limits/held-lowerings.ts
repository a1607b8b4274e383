// Holds back the lowering of a hand that went up a moment ago. Raising it again cancels the lowering, so that a hand that goes
// up and down quickly makes one entry and not one for each press.

import type { Clock, Timer } from "@hustings/flow/clock.ts";
import type { PersonId } from "@hustings/wire/ids.ts";

export interface HeldLowerings {
  raised(person: PersonId): void;
  /** Resolves with true once the hand may be lowered, and with false when it was raised again before. */
  mayLower(person: PersonId): Promise<boolean>;
  /** Cancels the lowering that waits for this person. False when none does. */
  cancel(person: PersonId): boolean;
  /** Lets every lowering go ahead now. */
  close(): void;
}

/** A hand that went up stays up for at least this long, unless a host lowers it. */
export const HAND_STAYS_UP_MS = 2_000;
/** People who are remembered: more than the hands that may be up. Beyond it the oldest is forgotten. */
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
