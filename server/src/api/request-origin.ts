// Owns where a request came from: the address that limits count, the origin that links begin with. Refuses to trust
// anyone: the api is reached through a Unix socket in a directory of the server's own, so what stands in these headers
// is what an edge put there, after it dropped what strangers sent.

import type { IncomingHttpHeaders } from "node:http";

const HOST = /^(?:[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i;

/** The address of who asked; "local" for a request that came through no edge. */
export function addressOf(headers: IncomingHttpHeaders): string {
  return last(headers["x-forwarded-for"]) ?? "local";
}

/** `scheme://host[:port]` that the page was reached by; `publicUrl` when the operator fixed one. No slash at the end. */
export function originOf(headers: IncomingHttpHeaders, publicUrl: string | undefined): string {
  if (publicUrl !== undefined) return publicUrl;
  const host = last(headers["x-forwarded-host"]) ?? headers.host ?? "";
  const scheme = last(headers["x-forwarded-proto"]) === "https" ? "https" : "http";
  return HOST.test(host) ? `${scheme}://${host}` : `${scheme}://localhost`;
}

// The newest hop's own word stands last.
function last(value: string | string[] | undefined): string | undefined {
  const text = Array.isArray(value) ? value.at(-1) : value;
  const word = text?.split(",").at(-1)?.trim();
  return word === "" ? undefined : word;
}
