// Passes requests to processes behind the edge, limited in size, number and time.

import { request as ask, type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import { pipeline } from "node:stream";
import { type ErrorCode, Refusal } from "@hustings/wire/errors.ts";
import { COMMON_HEADERS, type HttpExchange } from "../../http/responses.ts";
import type { ClientAddresses } from "./client-address.ts";

export interface ReverseProxy {
  /** Throws a Refusal before the response begins: `too-large`, `bad-request`, `full`, `errorWhenDown`. */
  pass(exchange: HttpExchange): Promise<void>;
  readonly inFlight: number;
}

export interface ReverseProxyOptions {
  readonly socketPath: string;
  readonly errorWhenDown: ErrorCode;
  readonly maxRequests: number;
  readonly maxBodyBytes: number;
  readonly clientAddresses: ClientAddresses;
  readonly answerMs?: number;
}

/** Until a response begins; then something must come every IDLE_MS. */
const ANSWER_MS = 10_000;
const IDLE_MS = 60_000;
/** Hop-by-hop headers (RFC 9110 §7.6.1) and those that only this hop may set. */
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
        throw new Refusal("bad-request", "The path has characters that no path here has.");
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

/** Throws `too-large` as early as possible, `bad-request` if the body breaks off. */
async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLarge = () => new Refusal("too-large", `A body has at most ${maxBytes} bytes.`);
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge();
  const parts: Buffer[] = [];
  let length = 0;
  try {
    // The response needs the connection although some of the body is unread.
    for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > maxBytes) throw tooLarge();
      parts.push(part);
    }
  } catch (cause) {
    throw cause instanceof Refusal ? cause : new Refusal("bad-request", "The body ended early.", { cause });
  }
  return Buffer.concat(parts);
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
      reject(new Refusal(options.errorWhenDown, undefined, { cause, retryAfterMs: 1_000 })),
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
