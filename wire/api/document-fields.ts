// Tables of fields from which a JSON document, its schema and its TypeScript type are made, so that they agree.

declare const valueType: unique symbol;

/** The compiler takes the value's type from a schema. */
export type Schema<Value> = { readonly [keyword: string]: unknown } & { readonly [valueType]?: Value };

export interface Field<Source, Value> {
  readonly schema: Schema<Value>;
  readonly of: (source: Source) => Value;
}

export type DocumentOf<Fields> = {
  readonly [Name in keyof Fields]: Fields[Name] extends Field<never, infer Value> ? Value : never;
};

/** Fields in the order of the table. A plain loop, because edges make one for each request. */
export function documentOf<Source, Fields extends { readonly [name: string]: Field<Source, unknown> }>(
  fields: Fields,
  source: Source,
): DocumentOf<Fields> {
  const document: { [name: string]: unknown } = {};
  for (const name in fields) document[name] = fields[name]?.of(source);
  return document as DocumentOf<Fields>;
}

export function documentSchema<Fields extends { readonly [name: string]: Field<never, unknown> }>(
  fields: Fields,
): Schema<DocumentOf<Fields>> {
  return object(Object.fromEntries(Object.entries(fields).map(([name, { schema }]) => [name, schema]))) as Schema<
    DocumentOf<Fields>
  >;
}

export const NUMBER: Schema<number> = { type: "number" };
export const INTEGER: Schema<number> = { type: "integer" };
export const BOOLEAN: Schema<boolean> = { type: "boolean" };

export function text<Value extends string = string>(description?: string): Schema<Value> {
  return description === undefined ? { type: "string" } : { type: "string", description };
}

export function oneOf<Value extends string>(values: readonly Value[]): Schema<Value> {
  return { enum: values };
}

export function nullable<Value>(schema: Schema<Value>): Schema<Value | null> {
  return { anyOf: [schema, { type: "null" }] };
}

export function list<Value>(items: Schema<Value>): Schema<readonly Value[]> {
  return { type: "array", items };
}

export function object<Properties extends { readonly [name: string]: Schema<unknown> }>(
  properties: Properties,
): Schema<{ readonly [Name in keyof Properties]: Properties[Name] extends Schema<infer Value> ? Value : never }> {
  return { type: "object", required: Object.keys(properties), properties };
}
