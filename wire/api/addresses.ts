// The answer of `GET /api/addresses`: where other people reach this server.

import { type DocumentOf, documentSchema, type Field, list, nullable, type Schema, text } from "./document-fields.ts";

export interface KnownAddresses {
  readonly publicUrl: string | undefined;
  readonly networkUrls: readonly string[];
}

export const ADDRESS_FIELDS = {
  /** The start of every link; `null`: the operator has set none. */
  publicUrl: field(nullable(text()), ({ publicUrl }) => publicUrl ?? null),
  /** For browsers on the server's own machine, otherwise empty: the same server for others on its network. */
  networkUrls: field(list(text()), ({ networkUrls }) => networkUrls),
};

export type Addresses = DocumentOf<typeof ADDRESS_FIELDS>;
export const ADDRESSES_SCHEMA: Schema<Addresses> = documentSchema(ADDRESS_FIELDS);

function field<Value>(
  schema: Schema<Value>,
  of: (known: KnownAddresses) => NoInfer<Value>,
): Field<KnownAddresses, Value> {
  return { schema, of };
}
