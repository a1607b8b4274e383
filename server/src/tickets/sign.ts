// Signs tickets and passes with the private key, which only the api's process holds.

import type { Clock } from "@hustings/flow/clock.ts";
import {
  PASS_SECONDS,
  type PassClaims,
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

export interface TicketSigner {
  /** A ticket for one space, for ten minutes. */
  ticket(claims: Omit<TicketClaims, "expiresUtcMs">): Promise<SignedTicket>;
  /** A pass for new tickets in any space, for a day. */
  pass(claims: Omit<PassClaims, "space" | "expiresUtcMs">): Promise<string>;
}

export function ticketSigner(privateJwk: PrivateJwk, clock: Clock): TicketSigner {
  const key = importJWK(privateJwk, TICKET_ALGORITHM);
  const header = { alg: TICKET_ALGORITHM, kid: privateJwk.kid };

  async function sign(payload: Omit<TicketPayload, "iss" | "exp">, seconds: number): Promise<SignedTicket> {
    const exp = Math.floor(clock.utcMs() / 1000) + seconds;
    const whole: TicketPayload = { iss: TICKET_ISSUER, exp, ...payload };
    const ticket = await new SignJWT({ ...whole }).setProtectedHeader(header).sign(await key);
    return { ticket, expiresUtcMs: exp * 1000 };
  }

  return {
    ticket: ({ space, person, name, generation }) =>
      sign({ aud: space, sub: person, name, use: "act", gen: generation }, TICKET_SECONDS),
    pass: async ({ person, name }) => (await sign({ sub: person, name, use: "renew" }, PASS_SECONDS)).ticket,
  };
}
