// Lets TLS sessions resume at any edge: ticket keys come from one secret and the time.

import { hkdfSync } from "node:crypto";
import type { Server } from "node:tls";
import type { Clock, Timer } from "@hustings/flow/clock.ts";

/** Node's default, a hash of the command line, differs between processes. */
export const SESSION_CONTEXT = "hustings";
/** Keys change at each multiple of this in Unix time. Older tickets cost a full handshake. */
export const KEY_TURN_MS = 12 * 3_600_000;

/** 48 bytes: name, cipher key, MAC key (RFC 5077 §4). */
export function ticketKeysAt(secret: Uint8Array, utcMs: number): Buffer {
  const turn = Math.floor(utcMs / KEY_TURN_MS);
  return Buffer.from(hkdfSync("sha256", secret, "", `hustings tls session tickets ${turn}`, 48));
}

/** Sets the keys until `server` closes. Its `sessionIdContext` must be SESSION_CONTEXT. */
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
