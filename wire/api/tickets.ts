// Owns what a ticket says. Refuses to sign or check one: that needs keys, which only servers hold.
// A ticket is a JWT signed with EdDSA (RFC 8037), good for one space and ten minutes. A pass is the same with `use`
// "renew": it lasts a day and is worth nothing but new tickets. A host's pass is the host link's secret instead.

import { isPersonId, isSpaceId, type PersonId, type SpaceId } from "../ids.ts";

export const TICKET_ISSUER = "hustings";
export const TICKET_SECONDS = 600;
export const PASS_SECONDS = 86_400;
/** Clocks of two servers may differ by this much. */
export const TICKET_LEEWAY_SECONDS = 5;
export const MAX_TICKET_CHARACTERS = 2048;

export type TicketRole = "host" | "guest";

export interface TicketClaims {
  readonly space: SpaceId;
  readonly person: PersonId;
  readonly name: string;
  readonly role: TicketRole;
  readonly use: "act" | "renew";
  /** Host tickets: the generation of the host link they came from. 0 for guests. */
  readonly generation: number;
  readonly expiresUtcMs: number;
}

/** The JWT's own names for the claims: `aud` the space, `sub` the person, `gen` the generation. */
export interface TicketPayload {
  readonly iss: typeof TICKET_ISSUER;
  readonly aud: string;
  readonly sub: string;
  readonly name: string;
  readonly role: TicketRole;
  readonly use: "act" | "renew";
  readonly gen: number;
  readonly exp: number;
}

/** The claims of a payload whose signature was checked; `undefined` when any of them is missing or of the wrong kind. */
export function claimsOf(payload: Record<string, unknown>): TicketClaims | undefined {
  const { iss, aud, sub, name, role, use, gen, exp } = payload;
  if (iss !== TICKET_ISSUER || !isSpaceId(aud) || !isPersonId(sub) || typeof name !== "string") return undefined;
  if ((role !== "host" && role !== "guest") || (use !== "act" && use !== "renew")) return undefined;
  if (!Number.isInteger(gen) || typeof exp !== "number") return undefined;
  return { space: aud, person: sub, name, role, use, generation: gen as number, expiresUtcMs: exp * 1000 };
}
