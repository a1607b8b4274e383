// The routes for our other processes, on the stage's Unix socket, which nobody else can open: no signature is checked.

import type { Clock } from "@hustings/flow/clock.ts";
import type { TickTimes } from "@hustings/flow/ticker.ts";
import type { TicketClaims } from "@hustings/wire/api/tickets.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { isPersonId, isSpaceId, type SpaceId } from "@hustings/wire/ids.ts";
import { readSpaceDetails } from "@hustings/wire/log/space-details.ts";
import { parseCommand } from "@hustings/wire/stage/commands.ts";
import { cleanName } from "@hustings/wire/text.ts";
import type { FastifyInstance } from "fastify";
import type { NewSpace, Spaces } from "../spaces/held-spaces.ts";
import { spaceIdOf } from "./public-routes.ts";

export interface StageHealth {
  readonly role: "stage";
  readonly pid: number;
  readonly version: string;
  readonly spaces: number;
  /** Milliseconds, over the last five minutes or the newest `?ticks=`. */
  readonly tick: TickTimes;
  readonly tickCost: TickTimes;
  readonly missedTicks: number;
}

export interface InternalRoutesOptions {
  readonly spaces: Spaces;
  readonly clock: Clock;
  readonly health: (newestTicks?: number) => StageHealth;
}

type SpaceParams = { Params: { id: string } };

const SECRET_HASH = /^[\w-]{43}$/;

export function addInternalRoutes(http: FastifyInstance, { spaces, clock, health }: InternalRoutesOptions): void {
  http.get<{ Querystring: { ticks?: string } }>("/internal/health", async ({ query: { ticks } }) =>
    health(Number(ticks) > 0 ? Number(ticks) : undefined),
  );
  http.get<{ Querystring: { all?: string } }>("/internal/spaces", async ({ query: { all } }) => {
    const listed = all === undefined ? spaces.list() : await spaces.listAll();
    return listed.map(({ id, state, audience }) => ({ id, state, audience }));
  });
  http.post("/internal/spaces", async (request, reply) => {
    const space = newSpaceOf(request.body);
    await spaces.create(space);
    return reply.code(201).send({ id: space.id });
  });
  addOperatorRoutes(http, spaces);
  http.get<SpaceParams>("/internal/spaces/:id", async (request) => {
    const { headSlot, ...found } = await spaces.find(spaceIdOf(request.params.id));
    return { ...found, headSlot: headSlot ?? null, utcMs: clock.utcMs() };
  });
  http.post<SpaceParams>("/internal/spaces/:id/host-secret", async (request) =>
    spaces.get(spaceIdOf(request.params.id)).matchHostSecret(secretHashOf(request.body)),
  );
  http.put<SpaceParams>("/internal/spaces/:id/host-secret", async (request) => {
    const id = spaceIdOf(request.params.id);
    const { keptCall } = fieldsOf(request.body);
    const kept = typeof keptCall === "string" ? keptCall : undefined;
    return spaces.get(id).replaceHostSecret(actorIn(request.body, id), secretHashOf(request.body), kept);
  });
  http.post<SpaceParams>("/internal/spaces/:id/commands", async (request) => {
    const id = spaceIdOf(request.params.id);
    const { command, address } = fieldsOf(request.body);
    if (typeof address !== "string") throw new Refusal("bad-json", `"address" is not where the command came from.`);
    return spaces.execute(id, actorIn(request.body, id), parseCommand(command), address);
  });
}

/** The operator's routes for any space: `hustings space`. */
function addOperatorRoutes(http: FastifyInstance, spaces: Spaces): void {
  http.post<SpaceParams>("/internal/spaces/:id/end", async (request) =>
    spaces.get(spaceIdOf(request.params.id)).end("operator"),
  );
  http.delete<SpaceParams>("/internal/spaces/:id", async (request, reply) => {
    await spaces.remove(spaceIdOf(request.params.id));
    return reply.code(204).send();
  });
  http.post<SpaceParams>("/internal/spaces/:id/host-link", async (request) =>
    spaces.get(spaceIdOf(request.params.id)).renewHostSecret(secretHashOf(request.body)),
  );
}

function newSpaceOf(body: unknown): NewSpace {
  const fields = fieldsOf(body);
  const { id, host } = fields;
  const { person, name } = fieldsOf(host);
  if (!isSpaceId(id)) throw new Refusal("bad-json", `"id" is not a space's id.`);
  if (!isPersonId(person)) throw new Refusal("bad-json", `"person" is not a person's id.`);
  return {
    id,
    ...readSpaceDetails(fields),
    host: { person, name: cleanName(name) },
    secretHash: secretHashOf(fields),
  };
}

function secretHashOf(body: unknown): string {
  const { secretHash } = fieldsOf(body);
  if (typeof secretHash !== "string" || !SECRET_HASH.test(secretHash)) {
    throw new Refusal("bad-json", `"secretHash" is not a SHA-256 in base64url.`);
  }
  return secretHash;
}

/** Claims that the asking process has checked. Throws `wrong-space`. */
function actorIn(body: unknown, id: SpaceId): TicketClaims {
  const { claims } = fieldsOf(body);
  const { space, person, name, generation, expiresUtcMs } = fieldsOf(claims);
  const isWhole = isSpaceId(space) && isPersonId(person);
  if (!isWhole || typeof generation !== "number" || typeof expiresUtcMs !== "number") {
    throw new Refusal("bad-json", `"claims" are not the claims of a ticket.`);
  }
  if (space !== id) throw new Refusal("wrong-space");
  return { space, person, name: cleanName(name), generation, expiresUtcMs };
}

function fieldsOf(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null) throw new Refusal("bad-json", "An object is expected.");
  return value as Record<string, unknown>;
}
