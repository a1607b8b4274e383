// Checks tickets and passes with public keys. The stage compares `generation` with its log, because the host link may
// have been replaced since.

import type { Clock } from "@hustings/flow/clock.ts";
import {
  MAX_TICKET_CHARACTERS,
  type PassClaims,
  passClaimsOf,
  TICKET_ISSUER,
  TICKET_LEEWAY_SECONDS,
  type TicketClaims,
  ticketClaimsOf,
} from "@hustings/wire/api/tickets.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { type CryptoKey, errors, importJWK, type JWTHeaderParameters, jwtVerify } from "jose";
import type { PublicJwk } from "./keys.ts";

/** Ed25519 (RFC 8037). The ticket's own header is only compared with it. */
export const TICKET_ALGORITHM = "EdDSA";

/** Rejects with a Refusal, also for an absent ticket. */
export type TicketCheck = (ticket: string | undefined, space: SpaceId) => Promise<TicketClaims>;

/** Rejects with a Refusal unless the pass is good in `space`. */
export type PassCheck = (pass: string | undefined, space: SpaceId) => Promise<PassClaims>;

const BEARER = /^Bearer +([^ ]+) *$/i;
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/**
 * Checks an `Authorization: Bearer` header; the ticket's `kid` chooses the key. Refuses with `no-ticket` (absent, or
 * not Bearer), `ticket-invalid` (signed by none of the keys, or a pass), `ticket-expired`, `wrong-space`.
 */
export function ticketVerifier(publicJwks: readonly PublicJwk[], clock: Clock): TicketCheck {
  const check = verifier(publicJwks, clock, ticketClaimsOf);
  return async (authorizationHeader, space) => {
    if (authorizationHeader === undefined || authorizationHeader === "") throw new Refusal("no-ticket");
    if (authorizationHeader.length > MAX_TICKET_CHARACTERS + 16) throw tooLong(authorizationHeader);
    const ticket = BEARER.exec(authorizationHeader)?.[1];
    if (ticket === undefined) throw new Refusal("no-ticket", "The Authorization header is not a Bearer ticket.");
    return check(ticket, space);
  };
}

/** Checks the bare pass of a guest. */
export function passVerifier(publicJwks: readonly PublicJwk[], clock: Clock): PassCheck {
  return verifier(publicJwks, clock, passClaimsOf);
}

function verifier<Claims extends TicketClaims | PassClaims>(
  publicJwks: readonly PublicJwk[],
  clock: Clock,
  claimsOf: (payload: Record<string, unknown>) => Claims | undefined,
): (ticket: string | undefined, space: SpaceId) => Promise<Claims> {
  const keys = new Map(publicJwks.map((jwk) => [jwk.kid, importJWK(jwk, TICKET_ALGORITHM) as Promise<CryptoKey>]));
  const keyOf = ({ kid }: JWTHeaderParameters): Promise<CryptoKey> => {
    const key = kid === undefined ? undefined : keys.get(kid);
    if (key === undefined) throw new Refusal("ticket-invalid");
    return key;
  };
  return async (ticket, space) => {
    if (ticket === undefined || ticket === "") throw new Refusal("no-ticket");
    if (ticket.length > MAX_TICKET_CHARACTERS) throw tooLong(ticket);
    if (!COMPACT_JWS.test(ticket)) throw new Refusal("ticket-invalid");
    const claims = claimsOf(await payloadOf(ticket, keyOf, clock));
    if (claims === undefined) throw new Refusal("ticket-invalid");
    if (claims.space !== undefined && claims.space !== space) {
      throw new Refusal("wrong-space", `The ticket is for space ${claims.space}.`);
    }
    return claims;
  };
}

async function payloadOf(
  ticket: string,
  keyOf: (header: JWTHeaderParameters) => Promise<CryptoKey>,
  clock: Clock,
): Promise<Record<string, unknown>> {
  try {
    const { payload } = await jwtVerify(ticket, keyOf, {
      algorithms: [TICKET_ALGORITHM],
      issuer: TICKET_ISSUER,
      requiredClaims: ["exp"],
      clockTolerance: TICKET_LEEWAY_SECONDS,
      currentDate: new Date(clock.utcMs()),
    });
    return payload;
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    if (cause instanceof errors.JWTExpired) throw new Refusal("ticket-expired", undefined, { cause });
    throw new Refusal("ticket-invalid", undefined, { cause });
  }
}

function tooLong(text: string): Refusal {
  return new Refusal("ticket-invalid", `A ticket of ${text.length} characters is too long.`);
}
