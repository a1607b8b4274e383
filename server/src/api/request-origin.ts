// The sender's address and the origin of links, from headers that only our edges can set.

import type { IncomingHttpHeaders } from "node:http";
import { Refusal } from "@hustings/wire/errors.ts";
import { isHost } from "../http/request-target.ts";

/** "local": through no edge. */
export function addressOf(headers: IncomingHttpHeaders): string {
  return last(headers["x-forwarded-for"]) ?? "local";
}

/** `scheme://host[:port]`; `publicUrl` if the operator set one. Throws `bad-request` if Host names no host. */
export function originOf(headers: IncomingHttpHeaders, publicUrl: string | undefined): string {
  if (publicUrl !== undefined) return publicUrl;
  const host = last(headers["x-forwarded-host"]) ?? headers.host ?? "";
  const scheme = last(headers["x-forwarded-proto"]) === "https" ? "https" : "http";
  if (host === "") return `${scheme}://localhost`;
  if (!isHost(host)) throw new Refusal("bad-request", "The Host header does not name a host.");
  return `${scheme}://${host}`;
}

function last(value: string | string[] | undefined): string | undefined {
  const text = Array.isArray(value) ? value.at(-1) : value;
  const word = text?.split(",").at(-1)?.trim();
  return word === "" ? undefined : word;
}
