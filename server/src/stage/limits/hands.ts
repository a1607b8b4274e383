// The hands of one space, as far as they are limited: what becomes of a press before it is decided, and what counts after.

import type { Clock } from "@hustings/flow/clock.ts";
import type { PersonId } from "@hustings/wire/ids.ts";
import type { NamedPerson, StateChange } from "@hustings/wire/log/state.ts";
import { createHandLimits } from "./hand-limits.ts";
import { createHeldLowerings } from "./held-lowerings.ts";

export interface Hands {
  /**
   * Resolves with true when the press is to be decided, for a hand that went up a moment ago only after it has been up for
   * two seconds. Resolves with false when a press in the other direction undid it: then nothing changes.
   */
  press(person: PersonId, isUp: boolean): Promise<boolean>;
  /**
   * Counts the hand of a change that is about to be written because of `by`; other changes count nothing. `up` are the hands
   * that are up. Throws `too-many-hands` when a hand may not go up now.
   */
  count(change: StateChange, by: PersonId, address: string | undefined, up: readonly NamedPerson[]): void;
  /** Lets every press that waits be decided now. */
  close(): void;
}

export function createHands(clock: Clock): Hands {
  const limits = createHandLimits(clock);
  const held = createHeldLowerings(clock);
  return {
    press: async (person, isUp) => (isUp ? !held.cancel(person) : held.mayLower(person)),
    count(change, by, address, up) {
      if (change.kind !== "hand") return;
      const { person } = change;
      if (!change.up) return limits.lowered(person, person === by ? "self" : "host");
      limits.raise(person, address, up);
      held.raised(person);
    },
    close: held.close,
  };
}
