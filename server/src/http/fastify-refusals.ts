// Answers every error of a Fastify server as a row of the error table.

import type { Socket } from "node:net";
import { ERROR_TABLE, type ErrorCode, Refusal } from "@hustings/wire/errors.ts";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { refuseSocket } from "./responses.ts";

export interface RefusalHooks {
  /** Called before every answer of status 500 and above. `route`: method and pattern, never the actual path. */
  readonly onFailure: (refusal: Refusal, cause: unknown, route: string) => void;
  /** Another row for Fastify's own errors; undefined: the usual row. Never called with a Refusal. */
  readonly refusalOf?: (error: FastifyError, request: FastifyRequest) => Refusal | undefined;
}

/** 404 and errors before routing are left to the caller (`sendFastifyRefusal`). */
export function answerFastifyErrors(http: FastifyInstance, { onFailure, refusalOf }: RefusalHooks): void {
  http.setErrorHandler((error: unknown, request, reply) => {
    const special = error instanceof Refusal ? undefined : refusalOf?.(error as FastifyError, request);
    const refusal = special ?? refusalOfFastifyError(error, request.routeOptions.bodyLimit);
    if (refusal.status >= 500) onFailure(refusal, refusal.cause ?? error, routeOf(request));
    return sendFastifyRefusal(reply, refusal);
  });
}

const ROWS: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: "bad-json",
  FST_ERR_CTP_EMPTY_JSON_BODY: "bad-json",
};

/** `internal`, with its cause, for our own bugs. */
export function refusalOfFastifyError(error: unknown, maxBodyBytes?: number): Refusal {
  if (error instanceof Refusal) return error;
  const { code, statusCode, validation, message } = error as FastifyError;
  if (validation !== undefined) return new Refusal("bad-json", `${message}.`);
  if (statusCode === ERROR_TABLE["too-large"].status) {
    const limit = maxBodyBytes === undefined ? undefined : `A body has at most ${maxBodyBytes} bytes.`;
    return new Refusal("too-large", limit, { cause: error });
  }
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") return new Refusal("bad-json", "The body is not application/json.");
  const row = ROWS[code] ?? (error instanceof SyntaxError ? "bad-json" : undefined);
  if (row !== undefined) return new Refusal(row, undefined, { cause: error });
  const isTheirs = statusCode !== undefined && statusCode >= 400 && statusCode < 500;
  return new Refusal(isTheirs ? "bad-request" : "internal", undefined, { cause: error });
}

export function sendFastifyRefusal(reply: FastifyReply, refusal: Refusal): FastifyReply {
  if (refusal.retryAfterMs !== undefined) reply.header("retry-after", String(Math.ceil(refusal.retryAfterMs / 1000)));
  if (refusal.status === 401) reply.header("www-authenticate", "Bearer");
  return reply
    .status(refusal.status)
    .header("content-type", "application/json; charset=utf-8")
    .header("cache-control", "no-store")
    .serializer(JSON.stringify)
    .send(refusal.body());
}

/** Answers bytes that are not an HTTP request, for `clientErrorHandler`. */
export function refuseMalformedRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") socket.destroy();
  else refuseSocket(socket, new Refusal(error.code === "HPE_HEADER_OVERFLOW" ? "too-large" : "bad-request"));
}

function routeOf({ method, routeOptions }: FastifyRequest): string {
  return `${method} ${routeOptions.url ?? "(none)"}`;
}
