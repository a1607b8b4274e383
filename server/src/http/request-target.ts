// Reads the target and the host of a request in every form of RFC 9112 §3.2 that a server must answer.

import type { IncomingMessage } from "node:http";
import { Refusal } from "@hustings/wire/errors.ts";

/** Of a request's headers: 9 KB of cookies of a shared domain are ordinary. */
export const MAX_HEAD_BYTES = 16 * 1024;
/** The limit of the processes behind an edge, which adds headers of its own. */
export const MAX_INWARD_HEAD_BYTES = MAX_HEAD_BYTES + 4 * 1024;

const ABSOLUTE = /^https?:\/\/[^/?#]/i;
/** Underscores are not allowed in DNS host names, but local networks and container platforms use them. */
const HOST = /^(?:[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i;

export type TargetedRequest = Pick<IncomingMessage, "method" | "url" | "headers" | "rawHeaders">;

export function isHost(text: string): boolean {
  return HOST.test(text);
}

/** Accepts an absolute URL, as sent to a proxy; "*", which only OPTIONS may have, counts as "/". */
export function originForm(target: string): string {
  if (target === "*") return "/";
  if (!ABSOLUTE.test(target)) return target;
  const url = URL.parse(target);
  return url === null ? target : url.pathname + url.search;
}

/** Throws `bad-request` when there are two Host headers, or one that names no host (RFC 9112 §3.2). */
export function checkHost({ headers, rawHeaders }: Pick<TargetedRequest, "headers" | "rawHeaders">): void {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]?.toLowerCase() === "host") count += 1;
  if (count > 1) throw new Refusal("bad-request", "There is more than one Host header.");
  const { host = "" } = headers;
  if (host !== "" && !isHost(host))
    throw new Refusal("bad-request", `The Host header ${JSON.stringify(host).slice(0, 80)} does not name a host.`);
}

/** The host has no meaning; an absolute target's host replaces the Host header (§3.2.2). Throws `bad-request`. */
export function readTarget(request: TargetedRequest): URL {
  const { method, url: target = "" } = request;
  checkHost(request);
  if (ABSOLUTE.test(target)) {
    const host = URL.parse(target)?.host ?? "";
    if (!isHost(host)) throw new Refusal("bad-request", "The request target does not name a host.");
    request.headers.host = host;
  }
  const path = target === "*" && method !== "OPTIONS" ? "" : originForm(target);
  const url = path.startsWith("/") && !path.startsWith("//") ? URL.parse(path, "http://edge") : null;
  if (url === null) throw new Refusal("bad-request", "The request target is not a path.");
  return url;
}
