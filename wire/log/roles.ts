// A person's role in a space, from the state only; the same at the stage and in a page.

import type { PersonId } from "../ids.ts";
import type { Role } from "./state.ts";

/** A page may know people without their ids. */
export interface RoleFacts {
  readonly host: { readonly person: PersonId | undefined } | undefined;
  readonly seats: readonly { readonly person: PersonId | undefined; readonly role: Role }[];
}

/** `undefined`: a listener. */
export function roleIn(state: RoleFacts, person: PersonId | undefined): Role | undefined {
  if (person === undefined) return undefined;
  if (state.host?.person === person) return "host";
  return state.seats.find((seat) => seat.person === person)?.role;
}
