// The origin in the absolute addresses of a page's head: the public one, else that of the request.

import type { IncomingHttpHeaders } from "node:http";
import { isHost } from "../../http/request-target.ts";

/** `undefined`: the Host header names no host. */
export type PageOrigin = (headers: IncomingHttpHeaders) => string | undefined;

export interface PageOriginOptions {
  readonly publicUrl?: string | undefined;
  readonly isTls: boolean;
  /** Whether proxies in front end TLS and say so in X-Forwarded-Proto. */
  readonly hasProxies: boolean;
}

export function createPageOrigin({ publicUrl, isTls, hasProxies }: PageOriginOptions): PageOrigin {
  if (publicUrl !== undefined) return () => publicUrl;
  return ({ host = "", "x-forwarded-proto": forwarded }) => {
    if (!isHost(host)) return undefined;
    const isHttps = isTls || (hasProxies && forwarded === "https");
    return `${isHttps ? "https" : "http"}://${host.toLowerCase()}`;
  };
}
