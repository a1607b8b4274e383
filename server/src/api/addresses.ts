// The route that tells a host's page where other people reach this server.

import { ADDRESS_FIELDS } from "@hustings/wire/api/addresses.ts";
import { documentOf } from "@hustings/wire/api/document-fields.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import { isOwnAddress } from "../ops/address-block.ts";
import type { ApiContext, ApiServer } from "./api-context.ts";
import { addressOf } from "./request-origin.ts";
import * as shapes from "./schemas.ts";

export function addressRoute(app: ApiServer, { publicUrl, invitationUrls }: ApiContext): void {
  const schema = {
    summary: "Where other people reach this server",
    tags: ["spaces"],
    response: { 200: shapes.addresses, ...shapes.refusals() },
  };
  app.get(ROUTES.addresses, { schema }, async ({ headers }, reply) => {
    reply.header("cache-control", "no-store");
    // Strangers learn nothing about the networks of this machine.
    const networkUrls = isOwnAddress(addressOf(headers)) ? invitationUrls() : [];
    return documentOf(ADDRESS_FIELDS, { publicUrl, networkUrls });
  });
}
