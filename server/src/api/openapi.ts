// The API description at /api/openapi.json, with the routes of other processes.

import swagger from "@fastify/swagger";
import { ERROR_TABLE, type ErrorCode } from "@hustings/wire/errors.ts";
import { SUBPROTOCOL } from "@hustings/wire/listen/frames.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import type { ApiServer } from "./api-context.ts";
import { errorBody, listedSpaces, roomDocument, spacePath } from "./schemas.ts";

const ABOUT = `Live audio for crowds of any size. Every refusal has a body of one shape: \`error\` is a code of docs/errors.md,
\`message\` names what was wrong, \`todo\` says what to do. Tickets last ten minutes and are good for one space.`;

/** Call before adding routes. */
export async function describeApi(app: ApiServer, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "Hustings", version, description: ABOUT },
      tags: [
        { name: "spaces", description: "Opening, finding and replaying spaces" },
        { name: "tickets", description: "How people get tickets" },
        { name: "commands", description: "Commands of people with tickets to a stage" },
        { name: "sound", description: "Speaking and listening" },
        { name: "pages", description: "For people" },
      ],
      components: { securitySchemes: { ticket: { type: "http", scheme: "bearer", bearerFormat: "JWT" } } },
      paths: elsewhere(),
    },
  });
  const schema = {
    summary: "This description",
    tags: ["pages"],
    response: { 200: { type: "object", additionalProperties: true } },
  };
  app.get(ROUTES.openapi, { schema }, async (_request, reply) => {
    reply.header("cache-control", "public, max-age=60");
    return app.swagger();
  });
}

const idParameter = { name: "id", in: "path" as const, required: true, schema: spacePath.properties.id };
const sdp = { "application/sdp": { schema: { type: "string" as const } } };

// Edges answer pages, spaces and listeners themselves and pass /stage on.
function elsewhere() {
  const page = (summary: string) => ({
    get: { summary, tags: ["pages"], responses: { 200: { description: "HTML" } } },
  });
  return {
    "/": page("Home"),
    "/s/{id}": { parameters: [idParameter], ...page("A space") },
    [ROUTES.hold]: { get: { summary: "The hold music", tags: ["pages"], responses: { 200: { description: "MP4" } } } },
    [ROUTES.spaces]: spaces(),
    "/api/spaces/{id}/room": room(),
    "/listen/{id}": listening(),
    ...speaking(),
  };
}

function spaces() {
  return {
    get: {
      summary: "The live spaces, most listeners first",
      tags: ["spaces"],
      responses: { 200: json("At most a second old.", listedSpaces), ...answers("stage-away") },
    },
  };
}

function room() {
  return {
    parameters: [idParameter],
    get: {
      summary: "The room document: what a newcomer's page needs to know of a space",
      tags: ["spaces"],
      responses: { 200: json("Cacheable for a second.", roomDocument), ...answers("no-space", "stage-away") },
    },
  };
}

function json(description: string, schema: object) {
  return { description, content: { "application/json": { schema } } };
}

function listening() {
  return {
    parameters: [idParameter],
    get: {
      summary: `Listen: a WebSocket, subprotocol ${SUBPROTOCOL} (docs/wire.md)`,
      tags: ["sound"],
      responses: {
        101: { description: "The connection then carries sound, state and moments." },
        ...answers("bad-request", "no-space", "full"),
      },
    },
  };
}

function speaking() {
  const ticket = [{ ticket: [] }];
  const peerParameter = { name: "peer", in: "path" as const, required: true, schema: { type: "string" as const } };
  return {
    "/stage/{id}": {
      parameters: [idParameter],
      post: {
        summary: "Speak: a WHIP offer (RFC 9725)",
        tags: ["sound"],
        security: ticket,
        requestBody: { required: true, content: sdp },
        responses: {
          201: {
            description: "The answer.",
            content: sdp,
            headers: {
              Location: { description: "The address to DELETE to leave.", schema: { type: "string" as const } },
            },
          },
          ...answers(
            "bad-sdp",
            "bad-offer-type",
            "too-large",
            "no-ticket",
            "ticket-invalid",
            "ticket-expired",
            "wrong-space",
            "not-invited",
            "removed",
            "ticket-revoked",
            "no-space",
            "ended",
            "name-taken",
            "stage-full",
            "stage-busy",
            "stage-away",
            "too-many",
          ),
        },
      },
    },
    "/stage/{id}/{peer}": {
      parameters: [idParameter, peerParameter],
      delete: {
        summary: "Hang up; the seat is kept for a minute",
        tags: ["sound"],
        security: ticket,
        responses: {
          200: { description: "Hung up." },
          ...answers("no-ticket", "ticket-invalid", "no-space", "no-page"),
        },
      },
      patch: { summary: "Not supported: POST a new offer", tags: ["sound"], responses: answers("not-allowed") },
    },
  };
}

function answers(...codes: readonly ErrorCode[]) {
  const byStatus = Map.groupBy(codes, (code) => ERROR_TABLE[code].status);
  const entries = [...byStatus].map(([status, rows]) => {
    const description = rows.map((code) => `${code}: ${ERROR_TABLE[code].what}`).join(" ");
    return [status, { description, content: { "application/json": { schema: errorBody } } }] as const;
  });
  return Object.fromEntries(entries);
}
