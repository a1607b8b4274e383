// Owns signing tickets and passes. Refuses to decide who gets one. Holds the private key: the api's process alone has it.

import type { Clock } from "@hustings/flow/clock.ts";
import {
  PASS_SECONDS,
  TICKET_ISSUER,
  TICKET_SECONDS,
  type TicketClaims,
  type TicketPayload,
} from "@hustings/wire/api/tickets.ts";
import { importJWK, SignJWT } from "jose";
import type { PrivateJwk } from "./keys.ts";
import { TICKET_ALGORITHM } from "./verify.ts";

export interface SignedTicket {
  readonly ticket: string;
  readonly expiresUtcMs: number;
}

/** Signs a ticket (`use: "act"`, ten minutes) or a pass (`use: "renew"`, a day); whole seconds, counted from now. */
export type TicketSigner = (claims: Omit<TicketClaims, "expiresUtcMs">) => Promise<SignedTicket>;

export function ticketSigner(privateJwk: PrivateJwk, clock: Clock): TicketSigner {
  const key = importJWK(privateJwk, TICKET_ALGORITHM);
  return async ({ space, person, name, role, use, generation }) => {
    const exp = Math.floor(clock.utcMs() / 1000) + (use === "act" ? TICKET_SECONDS : PASS_SECONDS);
    const payload: TicketPayload = {
      iss: TICKET_ISSUER,
      aud: space,
      sub: person,
      name,
      role,
      use,
      gen: generation,
      exp,
    };
    const header = { alg: TICKET_ALGORITHM, kid: privateJwk.kid };
    const ticket = await new SignJWT({ ...payload }).setProtectedHeader(header).sign(await key);
    return { ticket, expiresUtcMs: exp * 1000 };
  };
}
