// Creates the stage's HTTP servers, with limits, and errors as rows of the table.

import type { Clock } from "@hustings/flow/clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import Fastify, { type FastifyError, type FastifyInstance, type FastifyRequest } from "fastify";
import { answerFastifyErrors, refuseMalformedRequest, sendFastifyRefusal } from "../../http/fastify-refusals.ts";
import { checkHost, MAX_HEAD_BYTES, MAX_INWARD_HEAD_BYTES, originForm } from "../../http/request-target.ts";
import { isOwnAddress, networkOf } from "../../ops/address-block.ts";
import type { Logger } from "../../ops/logger.ts";
import { createNetworkBuckets } from "../../ops/network-buckets.ts";
import { type ConnectionGuard, guardConnections } from "./connection-guard.ts";

export const MAX_BODY_BYTES = 64 * 1024;
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 5_000;
const MAX_CONNECTIONS = 2_000;
/** Far more than the speakers of one house use. This machine is not counted. */
const MAX_CONNECTIONS_PER_ADDRESS = 100;

/** Requests of an address at once, and then per second (ops/network-buckets.ts). */
export const REQUEST_BURST = 100;
export const REQUESTS_PER_SECOND = 10;
/** Networks of each width; then the one not seen for longest is forgotten. */
const MAX_ADDRESSES = 10_000;

export interface HttpOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** X-Forwarded-For names the sender: requests come from our own edges. */
  readonly isProxied: boolean;
  /** PEM; without it plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export function createHttp({ clock, log, isProxied, tls }: HttpOptions): FastifyInstance {
  const limits = {
    maxHeaderSize: isProxied ? MAX_INWARD_HEAD_BYTES : MAX_HEAD_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: 2_000,
  };
  const http: FastifyInstance = Fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: true,
    trustProxy: isProxied,
    routerOptions: { maxParamLength: 64 },
    clientErrorHandler: refuseMalformedRequest,
    rewriteUrl: ({ url = "" }) => originForm(url),
    // Fastify types http and https servers differently; the routes here work on both.
    ...((tls === undefined ? { http: limits } : { https: { ...limits, ...tls, minVersion: "TLSv1.2" } }) as {
      http: object;
    }),
  });
  if (isProxied) http.server.maxConnections = MAX_CONNECTIONS;
  http.removeContentTypeParser("text/plain");
  http.addContentTypeParser("application/sdp", { parseAs: "string" }, (_request, body, done) => done(null, body));
  const buckets = createNetworkBuckets(clock, REQUESTS_PER_SECOND, REQUEST_BURST, MAX_ADDRESSES);
  http.addHook("onRequest", async ({ raw }) => checkHost(raw));
  http.addHook("onRequest", async ({ headers, ip }) => {
    if (isProxied && headers["x-forwarded-for"] === undefined) return;
    const waitMs = buckets.takeMs(ip);
    if (waitMs > 0) throw new Refusal("too-many", undefined, { retryAfterMs: waitMs });
  });
  http.options("/", async (_request, reply) => reply.code(204).header("allow", "OPTIONS").send());
  http.setNotFoundHandler((_request, reply) => sendFastifyRefusal(reply, new Refusal("no-page")));
  answerFastifyErrors(http, {
    onFailure: (_refusal, cause, route) => log.error({ err: cause, route }, "a request failed"),
    refusalOf: refusalOfOffer,
  });
  return http;
}

/** The guard of the stage's own port: call before the server listens. */
export function guardStagePort({ server }: FastifyInstance): ConnectionGuard {
  return guardConnections(server, {
    maxConnections: MAX_CONNECTIONS,
    maxPerAddress: MAX_CONNECTIONS_PER_ADDRESS,
    keyOf: (address) => (isOwnAddress(address) ? undefined : networkOf(address)),
  });
}

function refusalOfOffer({ code }: FastifyError, { routeOptions }: FastifyRequest): Refusal | undefined {
  const isOfferType = routeOptions.url === "/stage/:id" && code === "FST_ERR_CTP_INVALID_MEDIA_TYPE";
  return isOfferType ? new Refusal("bad-offer-type") : undefined;
}
