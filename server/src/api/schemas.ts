// Schemas of the api's bodies, for types, checks and the API description.

import { ADDRESSES_SCHEMA, type Addresses } from "@hustings/wire/api/addresses.ts";
import { list } from "@hustings/wire/api/document-fields.ts";
import { ERROR_TABLE, type ErrorCode } from "@hustings/wire/errors.ts";
import {
  LISTED_SPACE_SCHEMA,
  type ListedSpace,
  OPENING,
  type OpenSpaces,
  PAST_SPACE_SCHEMA,
  type PastSpace,
  ROOM_DOCUMENT_SCHEMA,
  type RoomDocument,
} from "@hustings/wire/listen/room-document.ts";
import { SPACE_DETAILS } from "@hustings/wire/log/space-details.ts";
import { MAX_NAME_CHARACTERS } from "@hustings/wire/text.ts";
import { MAX_SEATS } from "@hustings/wire/units.ts";
import { type TSchema, Type } from "typebox";

const details = Object.fromEntries(
  Object.entries(SPACE_DETAILS).map(([detail, { schema }]) => [detail, Type.Unsafe<unknown>(schema)]),
);
const name = Type.String({ description: `1 to ${MAX_NAME_CHARACTERS} characters.`, examples: ["Ada"] });

export const errorBody = Type.Object(
  {
    error: Type.Enum(Object.keys(ERROR_TABLE)),
    message: Type.String({ description: "Names the value that was wrong." }),
    todo: Type.String({ description: "What to do about it." }),
    retryAfterMs: Type.Optional(
      Type.Number({ description: "Present when waiting helps; also in Retry-After, in seconds." }),
    ),
  },
  { title: "Error" },
);

export const spacePath = Type.Object({
  id: Type.String({ description: "The space: ten characters.", examples: ["0123456789"] }),
});

export const newSpace = Type.Object({ ...details, name: Type.Optional(name) });

const ticketFields = {
  ticket: Type.String({ description: "For Authorization: Bearer, ten minutes." }),
  expiresUtcMs: Type.Number(),
  person: Type.String(),
  name: Type.String(),
};

export const createdSpace = Type.Object({
  id: Type.String(),
  url: Type.String({ description: "The link of the space, for life." }),
  hostUrl: Type.String({ description: "The host link: its holder is the host. The secret is in the fragment." }),
  hostTicket: Type.String({ description: "A first ticket of the host." }),
  expiresUtcMs: Type.Number({ description: "When hostTicket expires." }),
  person: Type.String(),
});

export const ticketRequest = Type.Object({
  secret: Type.Optional(Type.String({ description: "The secret of the host link, for a host's ticket." })),
  pass: Type.Optional(Type.String({ description: "A guest's pass, for a new ticket of the same guest." })),
});

export const issuedTicket = Type.Object({
  ...ticketFields,
  pass: Type.Optional(Type.String({ description: "Guests: good for new tickets in any space, for a day." })),
});

export const newGuest = Type.Object({
  name,
  pass: Type.Optional(
    Type.String({ description: "A guest's earlier pass, to come as the same person under this name." }),
  ),
});

/** The body may be absent. */
export const hostLinkRequest = Type.Union([
  Type.Null(),
  Type.Object({
    call: Type.Optional(
      Type.String({ description: "The asker's own call, the last part of its WHIP location: it goes on, others end." }),
    ),
  }),
]);

export const newHostLink = Type.Object({
  hostUrl: Type.String(),
  secret: Type.String(),
  hostTicket: Type.String(),
  expiresUtcMs: Type.Number(),
});

const seat = Type.Integer({ minimum: 0, maximum: MAX_SEATS - 1 });
const person = Type.String({ description: "A person of this space." });
const verb = <Verb extends string>(...verbs: Verb[]) => Type.Object({ do: Type.Enum(verbs) });
const addressed = <Verb extends string>(...verbs: Verb[]) => Type.Object({ do: Type.Enum(verbs), person });

/** Only for the description: wire/stage/commands.ts checks commands. */
export const command = Type.Union([
  verb("live", "end", "accept", "decline", "leave"),
  Type.Object({ do: Type.Literal("title"), title: Type.Unsafe<string>(SPACE_DETAILS.title.schema) }),
  Type.Object({ do: Type.Literal("hand"), up: Type.Boolean() }),
  Type.Object({ do: Type.Literal("hands"), open: Type.Boolean() }),
  addressed("lower", "invite", "uninvite"),
  Type.Object({ do: Type.Literal("mute"), seat, muted: Type.Boolean() }),
  Type.Object({ do: Type.Literal("remove"), seat }),
]);

export const done = Type.Object({
  seq: Type.Number({ description: "The newest state entry that is on disk with the command." }),
});

export const listedSpaces = Type.Object({
  spaces: Type.Unsafe<readonly ListedSpace[]>(list(LISTED_SPACE_SCHEMA)),
  openSpaces: Type.Unsafe<OpenSpaces>({ type: "string", enum: OPENING, description: "Who may open spaces here." }),
});
export const addresses = Type.Unsafe<Addresses>(ADDRESSES_SCHEMA);
export const pastSpaces = Type.Object({
  spaces: Type.Unsafe<readonly PastSpace[]>(list(PAST_SPACE_SCHEMA)),
  next: Type.Unsafe<string | null>({
    anyOf: [{ type: "string" }, { type: "null" }],
    description: "Path of the next page; null on the last.",
  }),
});
export const roomDocument = Type.Unsafe<RoomDocument>(ROOM_DOCUMENT_SCHEMA);

/** Response schemas by status, of the rows that a route may answer. */
export function refusals(...codes: readonly ErrorCode[]): Record<number, TSchema> {
  const always: ErrorCode[] = ["bad-request", "internal", "full"];
  const byStatus = Map.groupBy([...new Set([...codes, ...always])], (code) => ERROR_TABLE[code].status);
  const entries = [...byStatus].map(([status, rows]): [number, TSchema] => {
    const description = rows.map((code) => `${code}: ${ERROR_TABLE[code].what}`).join(" ");
    return [status, { ...errorBody, description }];
  });
  return Object.fromEntries(entries);
}
