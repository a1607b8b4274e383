// Decides whose requests matter most when the stage's port is full.

import type { SpaceState } from "@hustings/wire/log/state.ts";
import { type Actor, decideSeat, type Facts } from "./authority.ts";

/** Whether an offer of `actor` would be seated: the host, an invited or a seated person. */
export function isExpected(state: SpaceState, facts: Facts, actor: Actor): boolean {
  try {
    decideSeat(state, facts, actor);
    return true;
  } catch {
    return false;
  }
}
