// Owns how the door answers: JSON, bytes, refusals with their row. Refuses to know what is answered.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type ErrorCode, errorRow, Refusal } from "@hustings/wire/errors.ts";

/** One request at the door. */
export interface HttpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Normalised: no dot segments. */
  readonly url: URL;
}

export type Headers = Readonly<Record<string, string | number>>;

/** An answer with all its headers: what many ask for is made once. */
export interface PreparedResponse {
  readonly status: number;
  /** A string has one byte in each character (latin1): it leaves in one write with the head, a buffer in a second. */
  readonly body: Buffer | string;
  readonly headers: Headers;
}

/** At once where nothing needs to be waited for. */
export type MaybePromise<T> = T | Promise<T>;

/** RFC 6455 §5.5 leaves so many for a reason. */
const MAX_REASON_CHARACTERS = 123;
/** Where waiting helps and nothing says how long. */
const RETRY_MS = 1_000;

/** On every answer of the door. */
export const COMMON_HEADERS: Headers = { "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" };

/** Answers with `body`, without it to HEAD. */
export function send(exchange: HttpExchange, status: number, body: Buffer | string, headers: Headers): void {
  sendPrepared(exchange, prepareResponse(status, body, headers));
}

/** What `send` answers with. */
export function prepareResponse(status: number, body: Buffer | string, headers: Headers): PreparedResponse {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const length: Headers = status === 304 ? {} : { "content-length": bytes.length };
  return { status, body: bytes, headers: { ...COMMON_HEADERS, ...length, ...headers } };
}

export function sendPrepared({ request, response }: HttpExchange, { status, body, headers }: PreparedResponse): void {
  response.writeHead(status, headers);
  if (request.method === "HEAD") response.end();
  else response.end(body, "latin1");
}

export function sendJson(exchange: HttpExchange, status: number, value: unknown, headers: Headers = {}): void {
  sendPrepared(exchange, prepareJson(status, value, headers));
}

export function prepareJson(status: number, value: unknown, headers: Headers): PreparedResponse {
  return prepareResponse(status, JSON.stringify(value), {
    "content-type": "application/json; charset=utf-8",
    ...headers,
  });
}

/** Answers with the row of `cause`; what is not a Refusal is `internal`. */
export function sendRefusal(exchange: HttpExchange, cause: unknown): void {
  if (exchange.response.headersSent) return void exchange.response.destroy();
  const refusal = refusalOf(cause);
  sendJson(exchange, refusal.status, refusal.body(), { "cache-control": "no-store", ...retryHeaders(refusal) });
}

/** Answers on a bare socket, before or instead of an upgrade, and closes it. */
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

export function refusalOf(cause: unknown): Refusal {
  return cause instanceof Refusal ? cause : new Refusal("internal", undefined, { cause });
}

/** The code with which a WebSocket is closed. */
export function closeCodeOf(code: ErrorCode): number {
  return errorRow(code).closeCode ?? 4500;
}

/** What a WebSocket is closed with: the message, and how long to wait where that helps, as `retry-after-ms=N`. */
export function closeReasonOf(refusal: Refusal): string {
  const waitMs = refusal.code === "draining" ? undefined : waitMsOf(refusal);
  const hint = waitMs === undefined ? "" : ` retry-after-ms=${Math.ceil(waitMs)}`;
  return `${refusal.message.slice(0, MAX_REASON_CHARACTERS - hint.length)}${hint}`;
}

// Whoever is handed over (`draining`) goes to another door at once; a request to this one waits as for the others.
function waitMsOf({ status, retryAfterMs }: Refusal): number | undefined {
  return status === 429 || status === 503 ? (retryAfterMs ?? RETRY_MS) : undefined;
}

function retryHeaders(refusal: Refusal): Headers {
  const waitMs = waitMsOf(refusal);
  return waitMs === undefined ? {} : { "retry-after": Math.max(1, Math.ceil(waitMs / 1_000)) };
}
