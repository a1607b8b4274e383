// Writes Link headers (RFC 9725 §4.6) for STUN, and TURN with credentials as coturn's `use-auth-secret` checks them.

import { createHmac } from "node:crypto";
import type { PersonId } from "@hustings/wire/ids.ts";

export interface IceServers {
  readonly stunUrls: readonly string[];
  /** `turn:` and `turns:` URLs, and the secret shared with the TURN server. */
  readonly turn?: { readonly urls: readonly string[]; readonly secret: string };
}

/** A connection outlives its credentials, and every answer to an offer brings new ones. */
export const CREDENTIAL_SECONDS = 600;

/** Undefined: no server is configured. */
export function iceServerLinks({ stunUrls, turn }: IceServers, person: PersonId, utcMs: number): string | undefined {
  const links = stunUrls.map((url) => `<${url}>; rel="ice-server"`);
  if (turn !== undefined) {
    const username = `${Math.floor(utcMs / 1000) + CREDENTIAL_SECONDS}:${person}`;
    const credential = createHmac("sha1", turn.secret).update(username).digest("base64");
    const words = `rel="ice-server"; username="${username}"; credential="${credential}"; credential-type="password"`;
    for (const url of turn.urls) links.push(`<${url}>; ${words}`);
  }
  return links.length === 0 ? undefined : links.join(", ");
}
