// The limits on one space's hands: before a press is decided, and when it counts.

import type { Clock } from "@hustings/flow/clock.ts";
import type { PersonId } from "@hustings/wire/ids.ts";
import type { NamedPerson, StateChange } from "@hustings/wire/log/state.ts";
import { createHandLimits } from "./hand-limits.ts";
import { createHeldLowerings } from "./held-lowerings.ts";

export interface Hands {
  /**
   * Whether a press is to be decided now. False: it undid an earlier press, or `later` is called when the hand may go down.
   */
  press(person: PersonId, isUp: boolean, later: () => void): boolean;
  /** Counts the hand of a change that `by` is about to make. Throws `too-many-hands`. `up`: the hands that are up. */
  count(change: StateChange, by: PersonId, address: string | undefined, up: readonly NamedPerson[]): void;
  /** Calls every `later` now. */
  close(): void;
}

export function createHands(clock: Clock): Hands {
  const limits = createHandLimits(clock);
  const held = createHeldLowerings(clock);
  return {
    press: (person, isUp, later) => (isUp ? !held.cancel(person) : !held.hold(person, later)),
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
