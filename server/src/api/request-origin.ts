// The address that limits count and the origin that links begin with, from the headers that edges set. They can be trusted:
// the api's Unix socket is in a private directory, and edges drop such headers from outside.

import type { IncomingHttpHeaders } from "node:http";

const HOST = /^(?:[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i;

/** The address that the request came from; "local" when it came through no edge. */
export function addressOf(headers: IncomingHttpHeaders): string {
  return last(headers["x-forwarded-for"]) ?? "local";
}

/** The `scheme://host[:port]` of the page; `publicUrl` if the operator set one. Without a slash at the end. */
export function originOf(headers: IncomingHttpHeaders, publicUrl: string | undefined): string {
  if (publicUrl !== undefined) return publicUrl;
  const host = last(headers["x-forwarded-host"]) ?? headers.host ?? "";
  const scheme = last(headers["x-forwarded-proto"]) === "https" ? "https" : "http";
  return HOST.test(host) ? `${scheme}://${host}` : `${scheme}://localhost`;
}

// The newest hop's value is the last.
function last(value: string | string[] | undefined): string | undefined {
  const text = Array.isArray(value) ? value.at(-1) : value;
  const word = text?.split(",").at(-1)?.trim();
  return word === "" ? undefined : word;
}
