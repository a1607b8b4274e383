// Owns passing requests from the door to the processes behind it, over Unix sockets, bounded in size, number and time.
// Refuses to read what it passes.

import { request as ask, type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import { pipeline } from "node:stream";
import { type ErrorCode, Refusal } from "@hustings/wire/errors.ts";
import { COMMON_HEADERS, type HttpExchange } from "../../http/responses.ts";
import type { ClientAddresses } from "./client-address.ts";

export interface ReverseProxy {
  /**
   * Passes the request on and its answer back, with back-pressure. Throws a Refusal before an answer began: `too-large`,
   * `bad-request`, `full`, or the upstream's own row when it does not answer.
   */
  pass(exchange: HttpExchange): Promise<void>;
  readonly inFlight: number;
}

export interface ReverseProxyOptions {
  readonly socketPath: string;
  /** What to say when there is no answer. */
  readonly errorWhenDown: ErrorCode;
  readonly maxRequests: number;
  readonly maxBodyBytes: number;
  readonly clientAddresses: ClientAddresses;
  /** An answer must begin within this; ANSWER_MS where absent. */
  readonly answerMs?: number;
}

/** An answer must begin within this where nothing else is said, and go on at least this often. */
const ANSWER_MS = 10_000;
const IDLE_MS = 60_000;
/** What is between two hops alone (RFC 9110 §7.6.1), and what only this hop may say. */
const NOT_PASSED = new Set([
  "connection",
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
  let inWork = 0;
  return {
    async pass(exchange) {
      if (!/^\/[\w/.~-]*$/.test(exchange.url.pathname))
        throw new Refusal("bad-request", "The address has characters that none here has.");
      if (inWork >= options.maxRequests) throw new Refusal("full", undefined, { retryAfterMs: 1_000 });
      inWork++;
      try {
        const body = await readBody(exchange.request, options.maxBodyBytes);
        await sendUpstreamResponse(await askUpstream(exchange, body, options), exchange);
      } finally {
        inWork--;
      }
    },
    get inFlight() {
      return inWork;
    },
  };
}

/** The whole body. Throws `too-large` as soon as it is known to be, `bad-request` when it breaks off. */
async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLarge = () => new Refusal("too-large", `A body has at most ${maxBytes} bytes.`);
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge();
  const bytes: Buffer[] = [];
  let length = 0;
  try {
    // The connection is needed for the answer, also to a body that is not read to its end.
    for await (const some of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += some.length;
      if (length > maxBytes) throw tooLarge();
      bytes.push(some);
    }
  } catch (cause) {
    throw cause instanceof Refusal ? cause : new Refusal("bad-request", "The body broke off.", { cause });
  }
  return Buffer.concat(bytes);
}

function askUpstream(exchange: HttpExchange, body: Buffer, options: ReverseProxyOptions): Promise<IncomingMessage> {
  const { request, response, url } = exchange;
  return new Promise((resolve, reject) => {
    const asked = ask({
      socketPath: options.socketPath,
      path: url.pathname + url.search,
      method: request.method ?? "GET",
      headers: { ...endToEndHeaders(request.headers), ...forwardedHeaders(request, body, options.clientAddresses) },
      timeout: options.answerMs ?? ANSWER_MS,
      agent: false,
    });
    asked.on("response", (answer) => {
      asked.setTimeout(IDLE_MS);
      resolve(answer);
    });
    asked.on("timeout", () => asked.destroy(new Error("There was no answer in time.")));
    asked.on("error", (cause) => reject(new Refusal(options.errorWhenDown, undefined, { cause, retryAfterMs: 1_000 })));
    response.on("close", () => asked.destroy());
    if (response.destroyed) asked.destroy();
    asked.end(body);
  });
}

function sendUpstreamResponse(answer: IncomingMessage, { response }: HttpExchange): Promise<void> {
  response.writeHead(answer.statusCode ?? 502, { ...COMMON_HEADERS, ...endToEndHeaders(answer.headers) });
  return new Promise((resolve) => {
    // An answer that broke off has begun already: the connection is cut, and that tells it.
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
