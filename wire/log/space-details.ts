// The details that a host gives when opening a space, for its creation, state, documents and `POST /api/spaces`.

import type { Schema } from "../api/document-fields.ts";
import { cleanTitle, MAX_TITLE_CHARACTERS } from "../text.ts";

interface Detail<Value> {
  readonly schema: Schema<Value>;
  /** Throws a Refusal that names what is wrong. */
  readonly read: (value: unknown) => Value;
  /** The value in spaces opened before this detail existed. */
  readonly absent: Value;
}

export const SPACE_DETAILS = {
  title: detail({
    schema: { type: "string", description: `1 to ${MAX_TITLE_CHARACTERS} characters.`, examples: ["Open evening"] },
    read: cleanTitle,
    absent: "",
  }),
};

export type SpaceDetails = {
  readonly [Name in keyof typeof SPACE_DETAILS]: (typeof SPACE_DETAILS)[Name] extends Detail<infer Value>
    ? Value
    : never;
};

export const NO_DETAILS: SpaceDetails = eachDetail(({ absent }) => absent);

/** `body` comes from outside. Throws the Refusal of the first detail that is wrong. */
export function readSpaceDetails(body: { readonly [name: string]: unknown }): SpaceDetails {
  return eachDetail(({ read }, name) => read(body[name]));
}

/** Missing details have their value for older spaces. */
export function detailsOf(source: Partial<SpaceDetails>): SpaceDetails {
  return eachDetail(({ absent }, name) => source[name as keyof SpaceDetails] ?? absent);
}

function eachDetail(valueFor: (row: Detail<unknown>, name: string) => unknown): SpaceDetails {
  const entries = Object.entries(SPACE_DETAILS).map(([name, row]) => [name, valueFor(row as Detail<unknown>, name)]);
  return Object.fromEntries(entries) as SpaceDetails;
}

function detail<Value>(row: Detail<Value>): Detail<Value> {
  return row;
}
