// Owns the ICE servers that a speaker is told of: Link headers (RFC 9725 §4.6) with credentials that expire, as coturn
// checks them with its shared secret. Refuses to run a TURN server.

import { createHmac } from "node:crypto";
import type { PersonId } from "@hustings/wire/ids.ts";

export interface IceServers {
  /** `stun:` URLs. */
  readonly stunUrls: readonly string[];
  /** `turn:` and `turns:` URLs, and the secret that the TURN server shares with us. */
  readonly turn?: { readonly urls: readonly string[]; readonly secret: string };
}

/** Long enough for an evening; a connection that stands outlives it. */
export const CREDENTIAL_SECONDS = 12 * 3600;

/** The value of the Link header for one person; undefined when there is nothing to tell. */
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
