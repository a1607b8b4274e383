// The sender's address and the origin of links, from headers that only our edges can set.

import type { IncomingHttpHeaders } from "node:http";

const HOST = /^(?:[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i;

/** "local": through no edge. */
export function addressOf(headers: IncomingHttpHeaders): string {
  return last(headers["x-forwarded-for"]) ?? "local";
}

/** `scheme://host[:port]`; `publicUrl` if the operator set one. */
export function originOf(headers: IncomingHttpHeaders, publicUrl: string | undefined): string {
  if (publicUrl !== undefined) return publicUrl;
  const host = last(headers["x-forwarded-host"]) ?? headers.host ?? "";
  const scheme = last(headers["x-forwarded-proto"]) === "https" ? "https" : "http";
  return HOST.test(host) ? `${scheme}://${host}` : `${scheme}://localhost`;
}

function last(value: string | string[] | undefined): string | undefined {
  const text = Array.isArray(value) ? value.at(-1) : value;
  const word = text?.split(",").at(-1)?.trim();
  return word === "" ? undefined : word;
}
