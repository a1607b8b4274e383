// The api: a Fastify server on a Unix socket, with one shape for every error and limits on every input. It never logs the
// content of a request, because tickets and secrets travel in headers and bodies.

import { chmod } from "node:fs/promises";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { Clock } from "@hustings/flow/clock.ts";
import { ERROR_TABLE, Refusal } from "@hustings/wire/errors.ts";
import Fastify, { type FastifyError, type FastifyReply, type FastifyRequest } from "fastify";
import { listenOnSocket } from "../http/listen-on-socket.ts";
import type { Logger } from "../ops/logger.ts";
import type { TicketSigner } from "../tickets/sign.ts";
import type { PassCheck, TicketCheck } from "../tickets/verify.ts";
import { createLimiter, type Limiter, type LimitSettings } from "./limits.ts";
import { describeApi } from "./openapi.ts";
import { type OpenRecording, recordingRoutes } from "./recording.ts";
import { spaceRoutes } from "./spaces.ts";
import { type StageClient, stageClient } from "./stage-client.ts";
import { ticketRoutes } from "./tickets.ts";

export interface ApiOptions {
  /** Where to listen; an existing socket file is taken for a dead server's and removed. */
  readonly socketPath: string;
  readonly stageSocketPath: string;
  readonly stageDeadlineMs?: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly version: string;
  readonly sign: TicketSigner;
  readonly checkTicket: TicketCheck;
  readonly checkPass: PassCheck;
  /** The origin of every link; absent: the origin at which the request arrived. */
  readonly publicUrl?: string;
  readonly newSpaces: LimitSettings;
  readonly newGuests: LimitSettings;
  readonly openRecording: OpenRecording;
}

/** The dependencies of the routes. */
export interface ApiContext extends ApiOptions {
  readonly stage: StageClient;
  readonly limitSpaces: Limiter;
  readonly limitGuests: Limiter;
}

export type ApiServer = ReturnType<typeof createServer>;

export const MAX_BODY_BYTES = 64 * 1024;
const REQUEST_DEADLINE_MS = 10_000;
const MAX_CONNECTIONS = 1_024;

/** Resolves when it listens. Disposing ends requests in progress within about a second. */
export async function startApi(options: ApiOptions): Promise<AsyncDisposable> {
  const app = await buildApi(options);
  await listenOnSocket(app, options.socketPath);
  await chmod(options.socketPath, 0o600);
  return { [Symbol.asyncDispose]: () => app.close() };
}

/** The api without a socket, for `inject`. */
export async function buildApi(options: ApiOptions): Promise<ApiServer> {
  const app = createServer();
  app.server.maxConnections = MAX_CONNECTIONS;
  takeJsonAlone(app);
  answerErrors(app, options.log);
  refuseOtherMethods(app);
  await describeApi(app, options.version);
  const { stageSocketPath, stageDeadlineMs, clock } = options;
  const deadline = stageDeadlineMs === undefined ? {} : { deadlineMs: stageDeadlineMs };
  const context: ApiContext = {
    ...options,
    stage: stageClient({ socketPath: stageSocketPath, ...deadline }),
    limitSpaces: createLimiter(options.newSpaces, clock),
    limitGuests: createLimiter(options.newGuests, clock),
  };
  await app.register(async (scope) => {
    spaceRoutes(scope, context);
    ticketRoutes(scope, context);
    recordingRoutes(scope, context);
    healthRoute(scope, options.version);
  });
  await app.ready();
  return app;
}

function createServer() {
  return Fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_DEADLINE_MS,
    connectionTimeout: 0,
    keepAliveTimeout: REQUEST_DEADLINE_MS,
    forceCloseConnections: true,
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: 100 },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    frameworkErrors: (error, _request, reply) => void sendRefusal(reply, refusalOf(error) ?? new Refusal("internal")),
  }).withTypeProvider<TypeBoxTypeProvider>();
}

// Only JSON: a form on another site can send text/plain without a preflight, but not JSON. An empty body counts as none.
function takeJsonAlone(app: ApiServer): void {
  const parse = app.getDefaultJsonParser("error", "error");
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, (request, body, done) => {
    if (body === "") done(null, undefined);
    else parse(request, body as string, done);
  });
}

function answerErrors(app: ApiServer, log: Logger): void {
  app.setErrorHandler((error: unknown, request, reply) => {
    const refusal = refusalOf(error) ?? new Refusal("internal");
    if (refusal.code === "internal") log.error({ route: routeOf(request), err: error }, "A request failed.");
    return sendRefusal(reply, refusal);
  });
}

function routeOf({ method, routeOptions }: FastifyRequest): string {
  return `${method} ${routeOptions.url ?? "(none)"}`;
}

/** The row for an error of Fastify's own; `undefined` for a fault of ours. */
function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error;
  const { code, statusCode, validation, message } = error as FastifyError;
  if (validation !== undefined) return new Refusal("bad-json", `${message}.`);
  if (statusCode === ERROR_TABLE["too-large"].status)
    return new Refusal("too-large", `A body has at most ${MAX_BODY_BYTES} bytes.`);
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") return new Refusal("bad-json", "The body is not application/json.");
  if (code === "FST_ERR_CTP_INVALID_JSON_BODY" || error instanceof SyntaxError) return new Refusal("bad-json");
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new Refusal("bad-request", undefined, { cause: error });
  return undefined;
}

function sendRefusal(reply: FastifyReply, refusal: Refusal): FastifyReply {
  if (refusal.retryAfterMs !== undefined) reply.header("retry-after", String(Math.ceil(refusal.retryAfterMs / 1000)));
  if (refusal.status === 401) reply.header("www-authenticate", "Bearer");
  return reply
    .status(refusal.status)
    .header("content-type", "application/json; charset=utf-8")
    .header("cache-control", "no-store")
    .serializer(JSON.stringify)
    .send(refusal.body());
}

// Without this, Fastify answers 404 to an existing path with another method.
function refuseOtherMethods(app: ApiServer): void {
  const methodsByUrl = new Map<string, Set<string>>();
  app.addHook("onRoute", ({ url, method }) => {
    const methods = methodsByUrl.get(url) ?? new Set<string>();
    for (const one of [method].flat()) methods.add(one);
    methodsByUrl.set(url, methods);
  });
  app.setNotFoundHandler((request, reply) => {
    const allowed = allowedMethods(methodsByUrl, request.url);
    if (allowed === undefined) return sendRefusal(reply, new Refusal("no-page"));
    reply.header("allow", allowed.join(", "));
    return sendRefusal(reply, new Refusal("not-allowed", `${request.method} is not one of ${allowed.join(", ")}.`));
  });
}

function allowedMethods(methodsByUrl: Map<string, Set<string>>, url: string): string[] | undefined {
  const path = (url.split("?")[0] ?? "").split("/");
  for (const [pattern, methods] of methodsByUrl) {
    const parts = pattern.split("/");
    const fits = parts.length === path.length && parts.every((part, i) => part.startsWith(":") || part === path[i]);
    if (fits) return [...methods].sort();
  }
  return undefined;
}

function healthRoute(app: ApiServer, version: string): void {
  const health = { role: "api", pid: process.pid, version };
  app.get("/internal/health", { schema: { hide: true } }, async () => health);
}
