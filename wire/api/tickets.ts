// The claims of tickets and passes, JWTs signed with EdDSA (RFC 8037). A ticket proves identity in one space for ten
// minutes. A pass proves a guest's identity in any space for a day, and can only be exchanged for tickets. Permissions
// follow from the state (wire/log/roles.ts).

import { isPersonId, isSpaceId, type PersonId, type SpaceId } from "../ids.ts";

export const TICKET_ISSUER = "hustings";
export const TICKET_SECONDS = 600;
export const PASS_SECONDS = 86_400;
export const TICKET_LEEWAY_SECONDS = 5;
export const MAX_TICKET_CHARACTERS = 2048;

export interface TicketClaims {
  readonly space: SpaceId;
  readonly person: PersonId;
  readonly name: string;
  /** Generation of the host link that the ticket came from; 0 for other tickets. */
  readonly generation: number;
  readonly expiresUtcMs: number;
}

export interface PassClaims {
  /** Only passes of version 0.1 are bound to a space. */
  readonly space: SpaceId | undefined;
  readonly person: PersonId;
  readonly name: string;
  readonly expiresUtcMs: number;
}

/**
 * JWT names: `aud` the space, `sub` the person, `gen` the generation. Version 0.1 also wrote `role`, which is ignored,
 * and bound passes to a space by `aud`.
 */
export interface TicketPayload {
  readonly iss: typeof TICKET_ISSUER;
  readonly sub: string;
  readonly name: string;
  readonly exp: number;
  readonly use: "act" | "renew";
  readonly aud?: string;
  readonly gen?: number;
}

/** `payload` is verified; `undefined` if a claim is missing or of the wrong type, or for a pass. */
export function ticketClaimsOf(payload: Record<string, unknown>): TicketClaims | undefined {
  const { aud, gen } = payload;
  const bearer = bearerOf(payload, "act");
  if (bearer === undefined || !isSpaceId(aud) || !Number.isInteger(gen)) return undefined;
  return { space: aud, ...bearer, generation: gen as number };
}

export function passClaimsOf(payload: Record<string, unknown>): PassClaims | undefined {
  const { aud } = payload;
  const bearer = bearerOf(payload, "renew");
  if (bearer === undefined || (aud !== undefined && !isSpaceId(aud))) return undefined;
  return { space: aud, ...bearer };
}

function bearerOf({ iss, sub, name, use, exp }: Record<string, unknown>, wanted: TicketPayload["use"]) {
  if (iss !== TICKET_ISSUER || use !== wanted || !isPersonId(sub)) return undefined;
  if (typeof name !== "string" || typeof exp !== "number") return undefined;
  return { person: sub, name, expiresUtcMs: exp * 1000 };
}
