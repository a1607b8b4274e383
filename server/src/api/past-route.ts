// The routes of the spaces that can be heard again.

import { ROUTES } from "@hustings/wire/routes.ts";
import type { ApiContext, ApiServer } from "./api-context.ts";
import * as shapes from "./schemas.ts";
import { spaceOf } from "./spaces.ts";

const CACHE = "public, max-age=5, stale-while-revalidate=60";

export function pastRoutes(app: ApiServer, { readPastSpaces }: ApiContext): void {
  const first = {
    summary: "The spaces that can be heard again; the one that ended last comes first",
    tags: ["spaces"],
    response: { 200: shapes.pastSpaces, ...shapes.refusals() },
  };
  app.get(ROUTES.past, { schema: first }, async (_request, reply) => {
    reply.header("cache-control", CACHE);
    return readPastSpaces();
  });
  const further = {
    summary: "Those that ended before this one",
    tags: ["spaces"],
    params: shapes.spacePath,
    response: { 200: shapes.pastSpaces, ...shapes.refusals("no-space") },
  };
  app.get<{ Params: { id: string } }>("/api/spaces/past/:id", { schema: further }, async ({ params }, reply) => {
    reply.header("cache-control", CACHE);
    return readPastSpaces(spaceOf(params.id));
  });
}
