// Routes that open spaces and pass commands to the stage, which decides about them.

import { randomBytes } from "node:crypto";
import { Refusal } from "@hustings/wire/errors.ts";
import { guestIdFrom, isSpaceId, type SpaceId, spaceIdFrom } from "@hustings/wire/ids.ts";
import { readSpaceDetails } from "@hustings/wire/log/space-details.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import { type Command, parseCommand } from "@hustings/wire/stage/commands.ts";
import { cleanName } from "@hustings/wire/text.ts";
import type { FastifyRequest } from "fastify";
import { hashOfSecret, hostUrlOf, newSecret } from "../tickets/host-secrets.ts";
import type { ApiContext, ApiServer } from "./api-context.ts";
import { addressOf, originOf } from "./request-origin.ts";
import * as shapes from "./schemas.ts";

export const DEFAULT_HOST_NAME = "Host";
const FIRST_GENERATION = 1;

export function spaceRoutes(app: ApiServer, context: ApiContext): void {
  createRoute(app, context);
  commandRoutes(app, context);
}

/** Throws `no-space`. */
export function spaceOf(text: string): SpaceId {
  if (!isSpaceId(text)) throw new Refusal("no-space", `There is no space ${JSON.stringify(text.slice(0, 40))}.`);
  return text;
}

function createRoute(app: ApiServer, { stage, sign, limitSpaces, publicUrl, openSpaces }: ApiContext): void {
  const schema = {
    summary: "Open a space",
    tags: ["spaces"],
    body: shapes.newSpace,
    response: {
      201: shapes.createdSpace,
      ...shapes.refusals(
        "bad-json",
        "bad-title",
        "bad-name",
        "too-large",
        "too-many",
        "opening-closed",
        "too-many-spaces",
        "stage-away",
      ),
    },
  };
  app.post(ROUTES.spaces, { schema }, async ({ body, headers }, reply) => {
    if (openSpaces === "nobody") throw new Refusal("opening-closed");
    const details = readSpaceDetails(body);
    const name = cleanName(body.name ?? DEFAULT_HOST_NAME);
    limitSpaces(addressOf(headers));
    const id = spaceIdFrom(randomBytes(10));
    const person = guestIdFrom(randomBytes(16));
    const secret = newSecret();
    await stage.createSpace({ id, ...details, host: { person, name }, secretHash: hashOfSecret(secret) });
    const { ticket, expiresUtcMs } = await sign.ticket({ space: id, person, name, generation: FIRST_GENERATION });
    const origin = originOf(headers, publicUrl);
    const url = origin + ROUTES.page(id);
    const hostUrl = hostUrlOf(origin, id, secret);
    reply.status(201).header("cache-control", "no-store").header("location", ROUTES.page(id));
    return { id, url, hostUrl, hostTicket: ticket, expiresUtcMs, person };
  });
}

function commandRoutes(app: ApiServer, context: ApiContext): void {
  const response = {
    200: shapes.done,
    ...shapes.refusals(
      "bad-json",
      "bad-title",
      "too-large",
      "no-ticket",
      "ticket-invalid",
      "ticket-expired",
      "ticket-revoked",
      "wrong-space",
      "host-only",
      "not-invited",
      "not-seated",
      "removed",
      "no-space",
      "no-person",
      "ended",
      "conflict",
      "hands-closed",
      "name-taken",
      "stage-full",
      "stage-busy",
      "too-many",
      "too-many-hands",
      "stage-away",
      "cannot-store",
    ),
  };
  const shared = { tags: ["commands"], params: shapes.spacePath, security: [{ ticket: [] }], response };
  const act = (request: FastifyRequest<{ Params: { id: string } }>, command: () => Command) =>
    passOn(context, request, command);

  const live = { schema: { summary: "Go live: from now on everyone hears the stage (host)", ...shared } };
  app.post("/api/spaces/:id/live", live, (request) => act(request, () => ({ do: "live" })));
  const end = { schema: { summary: "End the space for everyone and for good (host)", ...shared } };
  app.post("/api/spaces/:id/end", end, (request) => act(request, () => ({ do: "end" })));
  const any = {
    schema: { summary: "Any command: hands, seats, mutes, the title", body: shapes.command, ...shared },
    validatorCompiler: () => () => true,
  };
  app.post("/api/spaces/:id/commands", any, (request) => act(request, () => parseCommand(request.body)));
}

/** Guests are limited here too, so that a flood of commands does not reach the stage; hosts are limited by the stage only. */
async function passOn(
  { stage, checkTicket, limitCommands }: ApiContext,
  { params, headers }: FastifyRequest<{ Params: { id: string } }>,
  command: () => Command,
): Promise<{ seq: number }> {
  const id = spaceOf(params.id);
  const claims = await checkTicket(headers.authorization, id);
  const parsed = command();
  const address = addressOf(headers);
  if (claims.generation === 0) limitCommands(address);
  return stage.command(id, claims, parsed, address);
}
