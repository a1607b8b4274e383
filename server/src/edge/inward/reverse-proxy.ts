// Passes requests to processes behind the edge, limited in size, number and time. A request holds one of a process's
// few slots only while the process works on it, so slow bodies and slow readers hold none.

import { request as ask, type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import { pipeline } from "node:stream";
import { type ErrorCode, Refusal } from "@hustings/wire/errors.ts";
import { createPerAddressLimit } from "../../http/per-address-limit.ts";
import { COMMON_HEADERS, type HttpExchange } from "../../http/responses.ts";
import type { ClientAddresses } from "../http/client-address.ts";
import { createRequestBodies } from "./request-bodies.ts";

export interface ReverseProxy {
  /** Throws before the response begins: `too-large`, `too-slow`, `too-many`, `bad-request`, `full`, `errorWhenDown`. */
  pass(exchange: HttpExchange): Promise<void>;
  /** Requests that the process behind works on. */
  readonly inFlight: number;
  /** Requests whose bodies are still arriving. */
  readonly reading: number;
}

export interface ReverseProxyLimits {
  /** Worked on at once by the process behind; further ones are refused with `full`. */
  readonly maxRequests: number;
  /** Long answers sent at once; further ones are refused with `full`. */
  readonly maxStreams: number;
  /** Requests of one address from the head to the end of the answer; further ones are refused with `too-many`. */
  readonly maxRequestsPerAddress: number;
  readonly maxBodyBytes: number;
  /** Bodies that are read at once; beyond it the one that began first is refused with `too-slow`. */
  readonly maxBodies: number;
}

export interface ReverseProxyOptions extends ReverseProxyLimits {
  readonly socketPath: string;
  readonly errorWhenDown: ErrorCode;
  readonly clientAddresses: ClientAddresses;
  readonly answerMs?: number;
}

/** Until a response begins; then something must come every IDLE_MS. */
const ANSWER_MS = 10_000;
const IDLE_MS = 60_000;
/** Shorter answers free their slot when they begin, however slowly the client reads. */
const SHORT_ANSWER_BYTES = 64 * 1024;
const MAX_HELD_BYTES = 16 * 1024 * 1024;
const RETRY_MS = 1_000;
/**
 * Hop-by-hop headers (RFC 9110 §7.6.1), those that only this hop may set, and long cookies, which nothing here reads.
 */
const NOT_PASSED = new Set([
  "connection",
  "cookie",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "expect",
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
]);

export function createReverseProxy(options: ReverseProxyOptions): ReverseProxy {
  const { maxBodyBytes, maxBodies, maxRequestsPerAddress, clientAddresses } = options;
  const bodies = createRequestBodies({ maxBodyBytes, maxBodies, maxBytes: MAX_HELD_BYTES });
  const perAddress = createPerAddressLimit(maxRequestsPerAddress);
  const requests = createSlots(options.maxRequests);
  const streams = createSlots(options.maxStreams);

  async function passCounted(exchange: HttpExchange): Promise<void> {
    const answer = await answerTo(exchange, await bodies.read(exchange.request));
    if (isShort(answer)) return sendUpstreamResponse(answer, exchange);
    try {
      using _stream = streams.take();
      await sendUpstreamResponse(answer, exchange);
    } finally {
      answer.destroy();
    }
  }

  async function answerTo(exchange: HttpExchange, body: Buffer): Promise<IncomingMessage> {
    using _slot = requests.take();
    return await askUpstream(exchange, body, options);
  }

  return {
    async pass(exchange) {
      if (!/^\/[\w/.~-]*$/.test(exchange.url.pathname))
        throw new Refusal("bad-request", "The path has characters that no path here has.");
      const key = clientAddresses.limitKeyOf(clientAddresses.addressOf(exchange.request));
      const share = key === undefined ? undefined : perAddress.enter(key);
      if (key !== undefined && share === undefined)
        throw new Refusal("too-many", `This address has ${maxRequestsPerAddress} requests in progress.`, {
          retryAfterMs: RETRY_MS,
        });
      try {
        await passCounted(exchange);
      } catch (cause) {
        // The rest of a slow body is not waited for.
        if (cause instanceof Refusal && cause.code === "too-slow") exchange.response.shouldKeepAlive = false;
        throw cause;
      } finally {
        if (share) perAddress.leave(share);
      }
    },
    get inFlight() {
      return requests.taken;
    },
    get reading() {
      return bodies.reading;
    },
  };
}

function createSlots(limit: number) {
  let taken = 0;
  return {
    get taken() {
      return taken;
    },
    take(): Disposable {
      if (taken >= limit) throw new Refusal("full", undefined, { retryAfterMs: RETRY_MS });
      taken += 1;
      return { [Symbol.dispose]: () => void taken-- };
    },
  };
}

function isShort({ statusCode, headers }: IncomingMessage): boolean {
  return (
    statusCode === 204 || statusCode === 304 || Number(headers["content-length"] ?? Infinity) <= SHORT_ANSWER_BYTES
  );
}

function askUpstream(exchange: HttpExchange, body: Buffer, options: ReverseProxyOptions): Promise<IncomingMessage> {
  const { request, response, url } = exchange;
  return new Promise((resolve, reject) => {
    const upstreamRequest = ask({
      socketPath: options.socketPath,
      path: url.pathname + url.search,
      method: request.method ?? "GET",
      headers: { ...endToEndHeaders(request.headers), ...forwardedHeaders(request, body, options.clientAddresses) },
      timeout: options.answerMs ?? ANSWER_MS,
      agent: false,
    });
    upstreamRequest.on("response", (answer) => {
      upstreamRequest.setTimeout(IDLE_MS);
      resolve(answer);
    });
    upstreamRequest.on("timeout", () => upstreamRequest.destroy(new Error("The upstream did not answer in time.")));
    upstreamRequest.on("error", (cause) =>
      reject(new Refusal(options.errorWhenDown, undefined, { cause, retryAfterMs: RETRY_MS })),
    );
    response.on("close", () => upstreamRequest.destroy());
    if (response.destroyed) upstreamRequest.destroy();
    upstreamRequest.end(body);
  });
}

function sendUpstreamResponse(answer: IncomingMessage, { response }: HttpExchange): Promise<void> {
  response.writeHead(answer.statusCode ?? 502, { ...COMMON_HEADERS, ...endToEndHeaders(answer.headers) });
  return new Promise((resolve) => {
    // The cut connection shows an error in the middle to the client.
    pipeline(answer, response, () => resolve());
  });
}

function endToEndHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_PASSED.has(name)));
}

function forwardedHeaders(
  request: IncomingMessage,
  body: Buffer,
  clientAddresses: ClientAddresses,
): OutgoingHttpHeaders {
  const { host } = request.headers;
  return {
    "x-forwarded-for": clientAddresses.addressOf(request),
    "x-forwarded-proto": clientAddresses.schemeOf(request),
    ...(host === undefined ? {} : { "x-forwarded-host": host }),
    ...(body.length > 0 || request.method === "POST" ? { "content-length": body.length } : {}),
  };
}
