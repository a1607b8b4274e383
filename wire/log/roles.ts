// Which role a person has in a space. It follows from the state and nothing else, the same at the stage and in a page.

import type { PersonId } from "../ids.ts";
import type { Role } from "./state.ts";

/** The part of a state that roles follow from; a page may know of people without their ids. */
export interface RoleFacts {
  readonly host: { readonly person: PersonId | undefined } | undefined;
  readonly seats: readonly { readonly person: PersonId | undefined; readonly role: Role }[];
}

/** The role of `person`; `undefined` for a listener. */
export function roleIn(state: RoleFacts, person: PersonId | undefined): Role | undefined {
  if (person === undefined) return undefined;
  if (state.host?.person === person) return "host";
  return state.seats.find((seat) => seat.person === person)?.role;
}
