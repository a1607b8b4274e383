// The api: a Fastify server on a Unix socket. Never logs a request's content, because tickets and secrets travel in it.

import { chmod } from "node:fs/promises";
import { Refusal } from "@hustings/wire/errors.ts";
import { answerFastifyErrors, sendFastifyRefusal } from "../http/fastify-refusals.ts";
import { listenOnSocket } from "../http/listen-on-socket.ts";
import { addressRoute } from "./addresses.ts";
import { type ApiContext, type ApiOptions, type ApiServer, createApiServer } from "./api-context.ts";
import { createLimiter, type LimitSettings } from "./limits.ts";
import { describeApi } from "./openapi.ts";
import { pastRoutes } from "./past-route.ts";
import { pictureRoutes } from "./picture-route.ts";
import { recordingRoutes } from "./recording-route.ts";
import { spaceRoutes } from "./spaces.ts";
import { stageClient } from "./stage-client.ts";
import { ticketRoutes } from "./tickets.ts";

const MAX_CONNECTIONS = 1_024;
/** Commands of guests that are passed to the stage, which counts them again (stage/limits/). */
const GUEST_COMMANDS: LimitSettings = {
  address: { perMinute: 600, burst: 120 },
  all: { perMinute: 6_000, burst: 600 },
  maxAddresses: 10_000,
};

/** Disposing ends requests in progress within about a second. */
export async function startApi(options: ApiOptions): Promise<AsyncDisposable> {
  const app = await buildApi(options);
  await listenOnSocket(app, options.socketPath);
  await chmod(options.socketPath, 0o600);
  return { [Symbol.asyncDispose]: () => app.close() };
}

/** Builds the api without a socket, for `inject`. */
export async function buildApi(options: ApiOptions): Promise<ApiServer> {
  const app = createApiServer();
  app.server.maxConnections = MAX_CONNECTIONS;
  acceptOnlyJson(app);
  answerFastifyErrors(app, {
    onFailure: ({ code }, err, route) => code === "internal" && options.log.error({ route, err }, "A request failed."),
  });
  refuseOtherMethods(app);
  await describeApi(app, options.version);
  const { stageSocketPath, stageDeadlineMs, clock } = options;
  const deadline = stageDeadlineMs === undefined ? {} : { deadlineMs: stageDeadlineMs };
  const context: ApiContext = {
    ...options,
    stage: stageClient({ socketPath: stageSocketPath, ...deadline }),
    limitSpaces: createLimiter(options.newSpaces, clock),
    limitGuests: createLimiter(options.newGuests, clock),
    limitCommands: createLimiter(GUEST_COMMANDS, clock),
  };
  await app.register(async (scope) => {
    spaceRoutes(scope, context);
    addressRoute(scope, context);
    ticketRoutes(scope, context);
    recordingRoutes(scope, context);
    pastRoutes(scope, context);
    pictureRoutes(scope, context);
    healthRoute(scope, options.version);
  });
  await app.ready();
  return app;
}

// A form on another site can send text/plain without a preflight, but not JSON.
function acceptOnlyJson(app: ApiServer): void {
  const parse = app.getDefaultJsonParser("error", "error");
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, (request, body, done) => {
    if (body === "") done(null, undefined);
    else parse(request, body as string, done);
  });
}

// Without this, Fastify answers 404 to an existing path with another method. OPTIONS lists the methods and, without CORS
// headers, allows no page of another origin anything.
function refuseOtherMethods(app: ApiServer): void {
  const methodsByUrl = new Map<string, Set<string>>();
  app.addHook("onRoute", ({ url, method }) => {
    const methods = methodsByUrl.get(url) ?? new Set<string>();
    for (const one of [method].flat()) methods.add(one);
    methodsByUrl.set(url, methods);
  });
  app.setNotFoundHandler((request, reply) => {
    const allowed = allowedMethods(methodsByUrl, request.url);
    if (allowed === undefined) return sendFastifyRefusal(reply, new Refusal("no-page"));
    reply.header("allow", [...allowed, "OPTIONS"].join(", "));
    if (request.method === "OPTIONS") return reply.status(204).send();
    return sendFastifyRefusal(
      reply,
      new Refusal("not-allowed", `${request.method} is not one of ${allowed.join(", ")}, OPTIONS.`),
    );
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
