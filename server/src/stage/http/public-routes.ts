// The stage's public routes: WHIP (RFC 9725) and commands.

import type { IncomingMessage } from "node:http";
import type { Clock } from "@hustings/flow/clock.ts";
import type { TicketClaims } from "@hustings/wire/api/tickets.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { isSpaceId, type SpaceId } from "@hustings/wire/ids.ts";
import { type Command, parseCommand } from "@hustings/wire/stage/commands.ts";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { isOwnAddress, networkOf } from "../../ops/address-block.ts";
import type { TicketCheck } from "../../tickets/verify.ts";
import type { Spaces } from "../spaces/held-spaces.ts";
import type { ConnectionGuard } from "./connection-guard.ts";
import { type IceServers, iceServerLinks } from "./ice-servers.ts";

export interface PublicRoutesOptions {
  readonly spaces: Spaces;
  readonly check: TicketCheck;
  readonly clock: Clock;
  readonly iceServers: IceServers;
  /** Absent where requests come from our own edges. */
  readonly guard?: ConnectionGuard;
}

type SpaceParams = { Params: { id: string } };
type CallParams = { Params: { id: string; call: string } };

const MAX_COMMAND_BYTES = 4 * 1024;
const CALL_ID = /^[\w-]{20}$/;

/** Pages of any origin may call them, because authorization is by ticket only. */
export function addPublicRoutes(http: FastifyInstance, options: PublicRoutesOptions): void {
  const { spaces, check, clock, iceServers, guard } = options;
  const admitted = new WeakMap<IncomingMessage, TicketClaims>();

  // Before the body: a slow one without a ticket gets its refusal at once, and one of a speaker is not cut for others.
  async function admit({ params, headers, raw }: FastifyRequest<SpaceParams>): Promise<void> {
    const id = spaceIdOf(params.id);
    const claims = await check(headers.authorization, id);
    guard?.raise(raw, spaces.expects(id, claims) ? "speaker" : "ticket");
    admitted.set(raw, claims);
  }

  const claimsOf = ({ raw }: FastifyRequest<SpaceParams>) => admitted.get(raw) as TicketClaims;

  http.addHook("onRequest", async (request, reply) => {
    if (!request.url.startsWith("/stage/")) return;
    reply.header("access-control-allow-origin", "*");
    reply.header("access-control-expose-headers", "Location, Link, Retry-After");
  });

  http.options("/stage/*", async (_request, reply) => {
    reply.header("access-control-allow-methods", "POST, DELETE, OPTIONS");
    reply.header("access-control-allow-headers", "Authorization, Content-Type");
    reply.header("access-control-max-age", "600");
    return reply.code(204).send();
  });

  http.post<SpaceParams>("/stage/:id", { onRequest: admit }, async (request, reply) => {
    const id = spaceIdOf(request.params.id);
    const claims = claimsOf(request);
    if (typeof request.body !== "string") throw new Refusal("bad-offer-type");
    const { callId, answerSdp } = await spaces.get(id).offer(claims, request.body, quotaKeyOf(request.ip));
    const links = iceServerLinks(iceServers, claims.person, clock.utcMs());
    if (links !== undefined) reply.header("link", links);
    return reply.code(201).header("location", `/stage/${id}/${callId}`).type("application/sdp").send(answerSdp);
  });

  // Needs no ticket, which may have expired: the location has 120 random bits that only its owner knows.
  http.delete<CallParams>("/stage/:id/:call", async (request, reply) => {
    const { id, call } = request.params;
    if (!CALL_ID.test(call) || !spaces.get(spaceIdOf(id)).hangUp(call)) throw new Refusal("no-page");
    return reply.code(200).send();
  });

  const commands = { bodyLimit: MAX_COMMAND_BYTES, onRequest: admit };
  http.post<SpaceParams>("/stage/:id/commands", commands, async (request) => {
    const id = spaceIdOf(request.params.id);
    const claims = claimsOf(request);
    const command: Command = parseCommand(request.body);
    return spaces.execute(id, claims, command, request.ip);
  });

  const refuseMethod = async () => {
    throw new Refusal("not-allowed");
  };
  http.route({ method: ["GET", "PUT", "PATCH", "DELETE"], url: "/stage/:id", handler: refuseMethod });
  http.route({ method: ["GET", "POST", "PUT", "PATCH"], url: "/stage/:id/:call", handler: refuseMethod });
}

/** This machine has no quota of peers. A Unix socket gives no address. */
function quotaKeyOf(address: string | undefined): string | undefined {
  return address === undefined || isOwnAddress(address) ? undefined : networkOf(address);
}

/** Throws `no-space`. */
export function spaceIdOf(text: string): SpaceId {
  if (!isSpaceId(text)) throw new Refusal("no-space");
  return text;
}
