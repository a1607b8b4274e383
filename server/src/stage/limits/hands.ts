// The limits on one space's hands: before a press is decided, and when it counts.

import type { Clock } from "@hustings/flow/clock.ts";
import type { PersonId } from "@hustings/wire/ids.ts";
import type { NamedPerson, StateChange } from "@hustings/wire/log/state.ts";
import { createHandLimits } from "./hand-limits.ts";
import { createHeldLowerings } from "./held-lowerings.ts";

export interface Hands {
  /** True: decide the press, for a hand that just went up only after two seconds. False: an opposite press undid it. */
  press(person: PersonId, isUp: boolean): Promise<boolean>;
  /**
   * Counts a hand in `change`, which is about to be written; `up` are the hands that are up. Throws `too-many-hands`.
   */
  count(change: StateChange, by: PersonId, address: string | undefined, up: readonly NamedPerson[]): void;
  /** Every waiting press is decided now. */
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
