// Holds back the lowering of a hand that just went up; raising it again cancels that. A quick change makes one entry.

import type { Clock, Timer } from "@hustings/flow/clock.ts";
import type { PersonId } from "@hustings/wire/ids.ts";

export interface HeldLowerings {
  raised(person: PersonId): void;
  /** Calls `lower` when the hand has been up long enough, and returns true. False: it has been, and nothing is held back. */
  hold(person: PersonId, lower: () => void): boolean;
  /** False: no lowering of this person is held back. */
  cancel(person: PersonId): boolean;
  /** Lowers everything now. */
  close(): void;
}

/** A hand that went up stays up for at least this long, unless a host lowers it. */
export const HAND_STAYS_UP_MS = 2_000;
/** More than the hands that may be up; then the oldest is forgotten. */
const MAX_REMEMBERED = 200;

interface Held {
  readonly lower: () => void;
  readonly timer: Timer;
}

export function createHeldLowerings(clock: Clock): HeldLowerings {
  const raisedMs = new Map<PersonId, number>();
  const held = new Map<PersonId, Held>();

  function take(person: PersonId): Held | undefined {
    const found = held.get(person);
    held.delete(person);
    found?.timer.cancel();
    return found;
  }

  return {
    raised(person) {
      raisedMs.delete(person);
      raisedMs.set(person, clock.monotonicMs());
      if (raisedMs.size > MAX_REMEMBERED) raisedMs.delete(raisedMs.keys().next().value as PersonId);
    },
    hold(person, lower) {
      if (held.has(person)) return true;
      const leftMs = (raisedMs.get(person) ?? -Infinity) + HAND_STAYS_UP_MS - clock.monotonicMs();
      if (leftMs <= 0) return false;
      held.set(person, { lower, timer: clock.after(leftMs, () => take(person)?.lower()) });
      return true;
    },
    cancel: (person) => take(person) !== undefined,
    close() {
      for (const person of [...held.keys()]) take(person)?.lower();
    },
  };
}
