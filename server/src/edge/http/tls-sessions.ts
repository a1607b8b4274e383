// Owns that a TLS session which began at one edge goes on at any other: all make their ticket keys from one secret and the
// time, and change them together. Refuses to know where the secret is kept.

import { hkdfSync } from "node:crypto";
import type { Server } from "node:tls";
import type { Clock, Timer } from "@hustings/flow/clock.ts";

/** Part of every ticket; without it Node takes a hash of the command line, and a ticket of one process is none in another. */
export const SESSION_CONTEXT = "hustings";
/** Keys are used so long, from a multiple of it in Unix time on. A ticket of the turn before costs a full handshake. */
export const KEY_TURN_MS = 12 * 3_600_000;

/** The keys of session tickets at `utcMs`: 48 bytes, as `tls.Server` takes them (RFC 5077 §4: name, cipher key, MAC key). */
export function ticketKeysAt(secret: Uint8Array, utcMs: number): Buffer {
  const turn = Math.floor(utcMs / KEY_TURN_MS);
  return Buffer.from(hkdfSync("sha256", secret, "", `hustings tls session tickets ${turn}`, 48));
}

/** Gives `server` the keys of each turn until it closes. Its `sessionIdContext` must be SESSION_CONTEXT. */
export function shareSessions(server: Server, secret: Uint8Array, clock: Clock): void {
  let timer: Timer | undefined;
  function turn(): void {
    const utcMs = clock.utcMs();
    server.setTicketKeys(ticketKeysAt(secret, utcMs));
    timer = clock.after(KEY_TURN_MS - (utcMs % KEY_TURN_MS) + 1, turn);
  }
  turn();
  server.once("close", () => timer?.cancel());
}
