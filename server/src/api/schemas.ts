// Owns the shapes of the api's bodies, from which types, checks and the API description are made. Refuses to know routes.

import { ERROR_TABLE, type ErrorCode } from "@hustings/wire/errors.ts";
import { MAX_NAME_CHARACTERS, MAX_TITLE_CHARACTERS } from "@hustings/wire/text.ts";
import { MAX_SEATS } from "@hustings/wire/units.ts";
import { type TSchema, Type } from "typebox";

const title = Type.String({ description: `1 to ${MAX_TITLE_CHARACTERS} characters.`, examples: ["Open evening"] });
const name = Type.String({ description: `1 to ${MAX_NAME_CHARACTERS} characters.`, examples: ["Ada"] });
const nullableNumber = Type.Union([Type.Number(), Type.Null()]);
const phase = Type.Enum(["created", "live", "ended"]);

export const errorBody = Type.Object(
  {
    error: Type.Enum(Object.keys(ERROR_TABLE)),
    message: Type.String({ description: "Names the value that was wrong." }),
    todo: Type.String({ description: "What to do about it." }),
    retryAfterMs: Type.Optional(Type.Number({ description: "Where waiting helps; also in Retry-After, in seconds." })),
  },
  { title: "Error" },
);

export const spacePath = Type.Object({
  id: Type.String({ description: "The space: ten characters.", examples: ["0123456789"] }),
});

export const newSpace = Type.Object({ title, name: Type.Optional(name) });

const ticketFields = {
  ticket: Type.String({ description: "For Authorization: Bearer, ten minutes." }),
  expiresUtcMs: Type.Number(),
  person: Type.String(),
  name: Type.String(),
};

export const createdSpace = Type.Object({
  id: Type.String(),
  url: Type.String({ description: "The link of the space, for life." }),
  hostUrl: Type.String({ description: "The host link: whoever has it is the host. Its secret is in the fragment." }),
  hostTicket: Type.String({ description: "A first ticket of the host." }),
  expiresUtcMs: Type.Number({ description: "When hostTicket expires." }),
  person: Type.String(),
});

export const ticketRequest = Type.Object({
  secret: Type.Optional(Type.String({ description: "The secret of the host link: a host's ticket." })),
  pass: Type.Optional(Type.String({ description: "A guest's pass: a new ticket for the same guest." })),
});

export const issuedTicket = Type.Object({
  ...ticketFields,
  pass: Type.Optional(Type.String({ description: "Guests: good for new tickets in any space, for a day." })),
});

export const newGuest = Type.Object({
  name,
  pass: Type.Optional(Type.String({ description: "A guest's earlier pass: the same guest under this name." })),
});

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

/** For the description; wire/stage/commands.ts checks what comes, with better words. */
export const command = Type.Union([
  verb("live", "end", "accept", "decline", "leave"),
  Type.Object({ do: Type.Literal("title"), title }),
  Type.Object({ do: Type.Literal("hand"), up: Type.Boolean() }),
  addressed("lower", "invite", "uninvite"),
  Type.Object({ do: Type.Literal("mute"), seat, muted: Type.Boolean() }),
  Type.Object({ do: Type.Literal("remove"), seat }),
]);

export const done = Type.Object({
  seq: Type.Number({ description: "The newest state entry that is on disk with the command." }),
});

export const listedSpaces = Type.Object({
  spaces: Type.Array(
    Type.Object({
      id: Type.String(),
      title: Type.String(),
      phase,
      host: Type.String(),
      speakersCount: Type.Number(),
      audience: Type.Number(),
      liveUtcMs: nullableNumber,
    }),
  ),
});

export const roomDocument = Type.Object({
  id: Type.String(),
  title: Type.String(),
  phase,
  host: Type.String(),
  speakers: Type.Array(
    Type.Object({
      seat: Type.Integer(),
      name: Type.String(),
      role: Type.Enum(["host", "cohost", "speaker"]),
      muted: Type.Boolean(),
      present: Type.Boolean(),
    }),
  ),
  handsCount: Type.Number(),
  air: Type.Enum(["voice", "hold"]),
  holdReason: Type.Union([Type.Enum(["nobody-on-stage", "silence", "stage-back"]), Type.Null()]),
  recording: Type.Enum(["on", "off", "failed"]),
  audience: Type.Number(),
  createdUtcMs: Type.Number(),
  liveUtcMs: nullableNumber,
  tier: Type.Enum(["push", "pull", "waiting"]),
  pull: Type.Union([Type.String(), Type.Null()]),
  line: Type.Object({ count: Type.Integer(), estimateMs: nullableNumber }),
  again: Type.Object({ afterMs: Type.Integer(), spreadMs: Type.Integer() }),
  listen: Type.String({ description: "Path of the listener WebSocket, subprotocol hustings.1." }),
  stage: Type.Object({ path: Type.String(), port: Type.Number() }),
  asOfUtcMs: Type.Number(),
  stale: Type.Boolean(),
});

/** Response schemas of the rows that a route may answer, by status; each says which codes it stands for. */
export function refusals(...codes: readonly ErrorCode[]): Record<number, TSchema> {
  const always: ErrorCode[] = ["bad-request", "internal", "full"];
  const byStatus = Map.groupBy([...new Set([...codes, ...always])], (code) => ERROR_TABLE[code].status);
  const entries = [...byStatus].map(([status, rows]): [number, TSchema] => {
    const description = rows.map((code) => `${code}: ${ERROR_TABLE[code].what}`).join(" ");
    return [status, { ...errorBody, description }];
  });
  return Object.fromEntries(entries);
}
