// Routes for a host's and a guest's tickets. Of a secret only its hash leaves this file.

import { randomBytes } from "node:crypto";
import type { TicketClaims } from "@hustings/wire/api/tickets.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { guestIdFrom, type SpaceId } from "@hustings/wire/ids.ts";
import { cleanName } from "@hustings/wire/text.ts";
import { hashOfSecret, hostUrlOf, isSecret, newSecret } from "../tickets/host-secrets.ts";
import type { TicketSigner } from "../tickets/sign.ts";
import type { ApiContext, ApiServer } from "./api-context.ts";
import { addressOf, originOf } from "./request-origin.ts";
import * as shapes from "./schemas.ts";
import { spaceOf } from "./spaces.ts";

export function ticketRoutes(app: ApiServer, context: ApiContext): void {
  exchangeRoute(app, context);
  guestRoute(app, context);
  hostLinkRoute(app, context);
}

function exchangeRoute(app: ApiServer, context: ApiContext): void {
  const schema = {
    summary: "Exchange the secret of a host link, or a guest's pass, for a new ticket",
    tags: ["tickets"],
    params: shapes.spacePath,
    body: shapes.ticketRequest,
    response: {
      200: shapes.issuedTicket,
      ...shapes.refusals(
        "bad-json",
        "too-large",
        "ticket-invalid",
        "ticket-expired",
        "wrong-space",
        "no-space",
        "too-many",
        "stage-away",
      ),
    },
  };
  app.post("/api/spaces/:id/tickets", { schema }, async ({ params, body, headers }, reply) => {
    const id = spaceOf(params.id);
    const { secret, pass } = body;
    if ((secret === undefined) === (pass === undefined)) throw new Refusal("bad-json", `Give "secret" or "pass".`);
    context.limitGuests(addressOf(headers));
    reply.header("cache-control", "no-store");
    return secret === undefined ? renewGuest(context, id, pass) : admitHost(context, id, secret);
  });
}

async function admitHost({ stage, sign }: ApiContext, id: SpaceId, secret: string) {
  if (!isSecret(secret)) throw new Refusal("ticket-invalid", "This is not the secret of a host link.");
  const { person, name, generation } = await stage.matchHostSecret(id, hashOfSecret(secret));
  const { ticket, expiresUtcMs } = await sign.ticket({ space: id, person, name, generation });
  return { ticket, expiresUtcMs, person, name };
}

async function renewGuest({ checkPass, sign }: ApiContext, id: SpaceId, pass: string | undefined) {
  const { person, name } = await checkPass(pass, id);
  return guestTickets(sign, id, { person, name });
}

function guestRoute(app: ApiServer, { stage, sign, checkPass, limitGuests }: ApiContext): void {
  const schema = {
    summary: "A guest's ticket, with which to ask to speak",
    tags: ["tickets"],
    params: shapes.spacePath,
    body: shapes.newGuest,
    response: {
      201: shapes.issuedTicket,
      ...shapes.refusals(
        "bad-json",
        "bad-name",
        "too-large",
        "ticket-invalid",
        "ticket-expired",
        "wrong-space",
        "no-space",
        "ended",
        "too-many",
        "stage-away",
      ),
    },
  };
  app.post("/api/spaces/:id/guests", { schema }, async ({ params, body, headers }, reply) => {
    const id = spaceOf(params.id);
    const name = cleanName(body.name);
    limitGuests(addressOf(headers));
    const known = body.pass === undefined ? undefined : await checkPass(body.pass, id);
    if ((await stage.space(id)).state.phase === "ended") throw new Refusal("ended");
    reply.status(201).header("cache-control", "no-store");
    return guestTickets(sign, id, { person: known?.person ?? guestIdFrom(randomBytes(16)), name });
  });
}

async function guestTickets(sign: TicketSigner, space: SpaceId, guest: Pick<TicketClaims, "person" | "name">) {
  const { ticket, expiresUtcMs } = await sign.ticket({ space, ...guest, generation: 0 });
  return { ticket, expiresUtcMs, pass: await sign.pass(guest), ...guest };
}

function hostLinkRoute(app: ApiServer, { stage, sign, checkTicket, publicUrl }: ApiContext): void {
  const schema = {
    summary: "Replace the host link: the old one and its tickets become worthless (host)",
    tags: ["tickets"],
    params: shapes.spacePath,
    body: shapes.hostLinkRequest,
    security: [{ ticket: [] }],
    response: {
      200: shapes.newHostLink,
      ...shapes.refusals(
        "no-ticket",
        "ticket-invalid",
        "ticket-expired",
        "ticket-revoked",
        "wrong-space",
        "host-only",
        "no-space",
        "ended",
        "stage-away",
        "cannot-store",
      ),
    },
  };
  app.post("/api/spaces/:id/host-link", { schema }, async ({ params, body, headers }, reply) => {
    const id = spaceOf(params.id);
    const claims = await checkTicket(headers.authorization, id);
    const secret = newSecret();
    const { generation } = await stage.replaceHostSecret(id, claims, hashOfSecret(secret), body?.call);
    const { person, name } = claims;
    const { ticket, expiresUtcMs } = await sign.ticket({ space: id, person, name, generation });
    reply.header("cache-control", "no-store");
    return { hostUrl: hostUrlOf(originOf(headers, publicUrl), id, secret), secret, hostTicket: ticket, expiresUtcMs };
  });
}
