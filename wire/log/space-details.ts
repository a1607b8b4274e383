// Which details a host may give when opening a space: for its creation, documents and `POST /api/spaces`.

import type { Schema } from "../api/document-fields.ts";
import { cleanTitle, MAX_TITLE_CHARACTERS } from "../text.ts";
import type { SpaceDetails } from "./detail-values.ts";

interface Detail<Value> {
  readonly schema: Schema<Value>;
  /** Throws a Refusal that names what is wrong. */
  readonly read: (value: unknown) => Value;
}

export const SPACE_DETAILS: { readonly [Name in keyof SpaceDetails]: Detail<SpaceDetails[Name]> } = {
  title: {
    schema: { type: "string", description: `1 to ${MAX_TITLE_CHARACTERS} characters.`, examples: ["Open evening"] },
    read: cleanTitle,
  },
};

/** From outside. Throws the Refusal of the first that is wrong. */
export function readSpaceDetails(body: { readonly [name: string]: unknown }): SpaceDetails {
  const entries = Object.entries(SPACE_DETAILS).map(([name, { read }]) => [name, read(body[name])]);
  return Object.fromEntries(entries) as SpaceDetails;
}
