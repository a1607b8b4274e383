// Owns the stage's HTTP as such: limits, errors as rows of the error table, requests counted by address. Refuses to know
// what the routes do (http-public.ts, http-internal.ts).

import { rm } from "node:fs/promises";
import type { Socket } from "node:net";
import type { Clock } from "@hustings/flow/clock.ts";
import { type ErrorCode, Refusal } from "@hustings/wire/errors.ts";
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Logger } from "../../ops/logger.ts";

export const MAX_BODY_BYTES = 64 * 1024;
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 5_000;
const MAX_HEADER_BYTES = 8 * 1024;
const MAX_CONNECTIONS = 2_000;

/** Requests of one address in one window; more are refused until it ends. */
export const MAX_REQUESTS_PER_WINDOW = 100;
export const WINDOW_MS = 10_000;
/** Addresses counted in one window; requests of further ones are refused. */
export const MAX_ADDRESSES = 10_000;

export interface HttpOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Requests come through a door of ours, which names the address they came from. */
  readonly isBehindDoor: boolean;
  /** PEM texts; absent: plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** A server without routes, not listening yet. */
export function createHttp({ clock, log, isBehindDoor, tls }: HttpOptions): FastifyInstance {
  const limits = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: 2_000,
  };
  const http: FastifyInstance = Fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: true,
    trustProxy: isBehindDoor,
    routerOptions: { maxParamLength: 64 },
    clientErrorHandler: refuseBytes,
    // Fastify's types tell the servers apart; no route here does.
    ...((tls === undefined ? { http: limits } : { https: { ...limits, ...tls, minVersion: "TLSv1.2" } }) as {
      http: object;
    }),
  });
  http.server.maxConnections = MAX_CONNECTIONS;
  http.removeContentTypeParser("text/plain");
  http.addContentTypeParser("application/sdp", { parseAs: "string" }, (_request, body, done) => done(null, body));
  const count = createAddressCount(clock);
  http.addHook("onRequest", async (request) => {
    if (!isBehindDoor || request.headers["x-forwarded-for"] !== undefined) count(request.ip);
  });
  http.setNotFoundHandler((_request, reply) => sendRefusal(reply, new Refusal("no-page")));
  http.setErrorHandler((error: FastifyError, request, reply) => {
    const refusal = refusalOf(error, request);
    if (refusal.status >= 500) log.error({ err: refusal.cause ?? error, url: request.routeOptions.url }, "refused");
    return sendRefusal(reply, refusal);
  });
  return http;
}

/** Listens on a Unix socket, taking over the file that a dead process left. */
export async function listenOnSocket(http: FastifyInstance, path: string): Promise<void> {
  await rm(path, { force: true });
  await http.listen({ path });
}

function sendRefusal(reply: FastifyReply, refusal: Refusal): FastifyReply {
  if (refusal.retryAfterMs !== undefined) reply.header("retry-after", Math.ceil(refusal.retryAfterMs / 1000));
  if (refusal.status === 401) reply.header("www-authenticate", "Bearer");
  return reply.code(refusal.status).header("cache-control", "no-store").send(refusal.body());
}

/** Answers bytes that are no HTTP request, where anybody still reads. */
function refuseBytes(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const refusal = new Refusal(error.code === "HPE_HEADER_OVERFLOW" ? "too-large" : "bad-request");
  const body = JSON.stringify(refusal.body());
  const head = [
    `HTTP/1.1 ${refusal.status} Refused`,
    "content-type: application/json",
    `content-length: ${body.length}`,
  ];
  socket.end([...head, "connection: close", "", body].join("\r\n"));
}

const FAULTS: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "too-large",
  FST_ERR_CTP_INVALID_JSON_BODY: "bad-json",
  FST_ERR_CTP_EMPTY_JSON_BODY: "bad-json",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "bad-json",
};

function refusalOf(error: FastifyError, request: FastifyRequest): Refusal {
  if (error instanceof Refusal) return error;
  const isOffer = request.routeOptions.url === "/stage/:id";
  if (isOffer && error.code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") return new Refusal("bad-offer-type");
  const known = FAULTS[error.code];
  if (known !== undefined) return new Refusal(known, undefined, { cause: error });
  const isTheirs = error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500;
  return new Refusal(isTheirs ? "bad-request" : "internal", undefined, { cause: error });
}

/** Counts requests by address in windows that everyone shares. Throws `too-many`. */
function createAddressCount(clock: Clock): (address: string) => void {
  const counts = new Map<string, number>();
  let endsMs = 0;
  return (address) => {
    const nowMs = clock.monotonicMs();
    if (nowMs >= endsMs) {
      counts.clear();
      endsMs = nowMs + WINDOW_MS;
    }
    const count = (counts.get(address) ?? 0) + 1;
    if (count > MAX_REQUESTS_PER_WINDOW || (count === 1 && counts.size >= MAX_ADDRESSES)) {
      throw new Refusal("too-many", undefined, { retryAfterMs: endsMs - nowMs });
    }
    counts.set(address, count);
  };
}
