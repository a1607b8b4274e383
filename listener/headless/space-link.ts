// Parses a pasted link to a space.

import { isSpaceId, type SpaceId } from "@hustings/wire/ids.ts";
import { HOST_SECRET_PREFIX } from "@hustings/wire/routes.ts";

export interface SpaceLink {
  readonly origin: string;
  readonly id: SpaceId;
  readonly secret: string | undefined;
}

/** Throws an Error whose message tells the person what is wrong. */
export function readSpaceLink(text: string | undefined): SpaceLink {
  if (!text) throw new Error("Give the link of a space, such as http://localhost:8080/s/abcdefghjk.");
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Error(`"${text.slice(0, 80)}" is not a link.`);
  }
  const id = /^\/s\/([^/]+)\/?$/.exec(url.pathname)?.[1];
  if (!/^https?:$/.test(url.protocol) || !isSpaceId(id))
    throw new Error(`"${text.slice(0, 80)}" is not a link to a space.`);
  const fragment = url.hash.slice(1);
  const secret = fragment.startsWith(HOST_SECRET_PREFIX) ? fragment.slice(HOST_SECRET_PREFIX.length) : undefined;
  return { origin: url.origin, id, secret };
}
