// The route of the pictures that messengers show beside a link.

import { ROUTES } from "@hustings/wire/routes.ts";
import { Type } from "typebox";
import type { ApiContext, ApiServer } from "./api-context.ts";
import * as shapes from "./schemas.ts";
import { spaceOf } from "./spaces.ts";

const CACHE = "public, max-age=300";

export function pictureRoutes(app: ApiServer, { readPicture }: ApiContext): void {
  const content = { "image/png": { schema: Type.String({ format: "binary", description: "1200 by 630 pixels." }) } };
  const schema = {
    summary: "The picture for links to a space: its title, its host, and whether it is live",
    tags: ["pages"],
    params: shapes.spacePath,
    response: {
      200: { description: "The picture.", content },
      302: { description: "No picture now: the same one for every space.", type: "null" },
      ...shapes.refusals("no-space"),
    },
  };
  app.get<{ Params: { id: string } }>(
    "/api/spaces/:id/picture.png",
    { schema, serializerCompiler: () => String },
    async ({ params }, reply) => {
      const picture = await readPicture(spaceOf(params.id));
      if (picture === undefined) return reply.header("cache-control", "no-store").redirect(ROUTES.picture);
      return reply
        .header("cache-control", CACHE)
        .header("content-type", "image/png")
        .header("content-length", picture.length)
        .send(Buffer.from(picture));
    },
  );
}
