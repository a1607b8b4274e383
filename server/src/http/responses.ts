// Sends JSON, bytes and refusals, over HTTP and bare sockets.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type ErrorCode, errorRow, Refusal } from "@hustings/wire/errors.ts";

export interface HttpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Normalised: without dot segments. */
  readonly url: URL;
}

/** Everything that an answer needs, also where the request's target cannot be read. */
export type Answerable = Pick<HttpExchange, "request" | "response">;

export type Headers = Readonly<Record<string, string | number>>;

export interface PreparedResponse {
  readonly status: number;
  /** A latin1 string leaves in one write with the head; a Buffer needs two. */
  readonly body: Buffer | string;
  readonly headers: Headers;
}

export type MaybePromise<T> = T | Promise<T>;

/** RFC 6455 §5.5: 125 bytes, two of them the close code. */
const MAX_REASON_CHARACTERS = 123;
const RETRY_MS = 1_000;

export const COMMON_HEADERS: Headers = { "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" };

/** Sends `body`; to HEAD, only the headers. */
export function send(exchange: Answerable, status: number, body: Buffer | string, headers: Headers): void {
  sendPrepared(exchange, prepareResponse(status, body, headers));
}

export function prepareResponse(status: number, body: Buffer | string, headers: Headers): PreparedResponse {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const length: Headers = status === 304 || status === 204 ? {} : { "content-length": bytes.length };
  return { status, body: bytes, headers: { ...COMMON_HEADERS, ...length, ...headers } };
}

export function sendPrepared({ request, response }: Answerable, { status, body, headers }: PreparedResponse): void {
  response.writeHead(status, headers);
  if (request.method === "HEAD") response.end();
  else response.end(body, "latin1");
}

export function sendJson(exchange: Answerable, status: number, value: unknown, headers: Headers = {}): void {
  sendPrepared(exchange, prepareJson(status, value, headers));
}

export function prepareJson(status: number, value: unknown, headers: Headers): PreparedResponse {
  return prepareResponse(status, JSON.stringify(value), {
    "content-type": "application/json; charset=utf-8",
    ...headers,
  });
}

/** Cuts a response that has begun. An error other than a Refusal is `internal`. */
export function sendRefusal(exchange: Answerable, cause: unknown): void {
  if (exchange.response.headersSent) return void exchange.response.destroy();
  const refusal = refusalOf(cause);
  sendJson(exchange, refusal.status, refusal.body(), { "cache-control": "no-store", ...retryHeaders(refusal) });
}

/** Refuses before or instead of an upgrade, and closes the socket. */
export function refuseSocket(socket: Duplex, refusal: Refusal, more: Headers = {}): void {
  const body = JSON.stringify(refusal.body());
  const headers = {
    ...COMMON_HEADERS,
    connection: "close",
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    ...retryHeaders(refusal),
    ...more,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.once("finish", () => socket.destroy());
  socket.end([`HTTP/1.1 ${refusal.status} Refused`, ...lines, "", body].join("\r\n"));
}

export function refusalOf(cause: unknown, code: ErrorCode = "internal"): Refusal {
  return cause instanceof Refusal ? cause : new Refusal(code, undefined, { cause });
}

export function closeCodeOf(code: ErrorCode): number {
  return errorRow(code).closeCode ?? 4500;
}

export function closeReasonOf(refusal: Refusal): string {
  const waitMs = refusal.code === "draining" ? undefined : waitMsOf(refusal);
  const hint = waitMs === undefined ? "" : ` retry-after-ms=${Math.ceil(waitMs)}`;
  return `${refusal.message.slice(0, MAX_REASON_CHARACTERS - hint.length)}${hint}`;
}

// A listener closed with `draining` goes to another edge at once.
function waitMsOf({ status, retryAfterMs }: Refusal): number | undefined {
  return status === 429 || status === 503 ? (retryAfterMs ?? RETRY_MS) : undefined;
}

function retryHeaders(refusal: Refusal): Headers {
  const waitMs = waitMsOf(refusal);
  return waitMs === undefined ? {} : { "retry-after": Math.max(1, Math.ceil(waitMs / 1_000)) };
}
