// The room document, the small cacheable JSON that a page needs before it listens, and the home page's list of live spaces.
// Neither has anything per listener: one answer serves everybody.

import {
  BOOLEAN,
  type DocumentOf,
  documentOf,
  documentSchema,
  type Field,
  INTEGER,
  NUMBER,
  nullable,
  object,
  oneOf,
  type Schema,
  text,
} from "../api/document-fields.ts";
import { LISTED_SPACE_FIELDS, type MeasuredSpace, ROOM_SPACE_FIELDS } from "../api/space-shape.ts";
import type { SpaceId } from "../ids.ts";
import { ROUTES } from "../routes.ts";

const TIERS = ["push", "pull", "waiting"] as const;

/**
 * How a newcomer is served. `push`: by the listener WebSocket, at once. `pull`: by HLS, because every place is taken.
 * `waiting`: the WebSocket keeps the newcomer in the queue until a place is free.
 */
export type Tier = (typeof TIERS)[number];

/** The admission queue. */
export interface QueueStatus {
  /** People in the queue of the server that answered. */
  readonly count: number;
  /** Expected wait of the last of them; `null` while nobody waits, and while no place has become free yet. */
  readonly estimateMs: number | null;
}

const NOBODY_WAITS: QueueStatus = { count: 0, estimateMs: null };
/** When a page asks for its room document again. */
const AGAIN = { afterMs: 4_000, spreadMs: 2_000 };
/** The same while every place is taken. */
const AGAIN_FULL = { afterMs: 10_000, spreadMs: 20_000 };

/** The answering server's own facts. */
export interface AnsweringServer {
  readonly stagePort: number;
  readonly asOfUtcMs: number;
  readonly stale: boolean;
  /** `push` where absent. */
  readonly tier?: Tier;
  /** Base address of a CDN that carries HLS; absent: there is none. */
  readonly pullUrl?: string | undefined;
  /** Nobody waits where absent. */
  readonly queue?: QueueStatus;
}

type Answer = AnsweringServer & { readonly id: SpaceId };

/** The part of the room document that describes how to listen. */
const ROOM_SERVER_FIELDS = {
  tier: field(oneOf(TIERS), ({ tier = "push" }) => tier),
  /** The HLS address at the CDN while the tier is `pull`; else `null`. */
  pull: field(nullable(text()), ({ tier, pullUrl, id }) =>
    tier === "pull" && pullUrl !== undefined ? pullUrl + ROUTES.hls(id) : null,
  ),
  /** The admission queue. */
  line: field(object({ count: INTEGER, estimateMs: nullable(NUMBER) }), ({ queue = NOBODY_WAITS }) => queue),
  /** When to ask for this document again: after `afterMs` and a random part of `spreadMs`. */
  again: field(object({ afterMs: INTEGER, spreadMs: INTEGER }), ({ tier = "push" }) =>
    tier === "push" ? AGAIN : AGAIN_FULL,
  ),
  listen: field(text("Path of the listener WebSocket, subprotocol hustings.1."), ({ id }) => ROUTES.listen(id)),
  /** Where speakers reach the stage: a path on the public door, and the stage's own port. */
  stage: field(object({ path: text(), port: NUMBER }), ({ id, stagePort }) => ({
    path: ROUTES.stage(id),
    port: stagePort,
  })),
  /** When this document was true: older than a few seconds only when `stale`. */
  asOfUtcMs: field(NUMBER, ({ asOfUtcMs }) => asOfUtcMs),
  /** Everything behind the answering server is away, and this is its last document. */
  stale: field(BOOLEAN, ({ stale }) => stale),
};

export type RoomDocument = DocumentOf<typeof ROOM_SPACE_FIELDS & typeof ROOM_SERVER_FIELDS>;
export const ROOM_DOCUMENT_SCHEMA: Schema<RoomDocument> = documentSchema({
  ...ROOM_SPACE_FIELDS,
  ...ROOM_SERVER_FIELDS,
});

/** One row of `GET /api/spaces`. */
export type ListedSpace = DocumentOf<typeof LISTED_SPACE_FIELDS>;
export const LISTED_SPACE_SCHEMA: Schema<ListedSpace> = documentSchema(LISTED_SPACE_FIELDS);

export const OPENING = ["anyone", "nobody"] as const;
/** The people who may open spaces on a server, besides its operator. */
export type OpenSpaces = (typeof OPENING)[number];

/** The answer of `GET /api/spaces`, which the home page carries for its first paint. */
export interface SpaceList {
  readonly spaces: readonly ListedSpace[];
  readonly openSpaces: OpenSpaces;
}

const MAX_LISTED_SPACES = 100;

export function roomDocumentOf(space: MeasuredSpace, server: AnsweringServer): RoomDocument {
  return {
    ...documentOf(ROOM_SPACE_FIELDS, space),
    ...documentOf(ROOM_SERVER_FIELDS, { ...server, id: space.id }),
  };
}

/** The live spaces, most listeners first, at most `MAX_LISTED_SPACES`. */
export function listedSpacesOf(spaces: readonly MeasuredSpace[]): readonly ListedSpace[] {
  return spaces
    .filter(({ state }) => state.phase === "live")
    .sort((a, b) => b.audience - a.audience)
    .slice(0, MAX_LISTED_SPACES)
    .map((space) => documentOf(LISTED_SPACE_FIELDS, space));
}

function field<Value>(schema: Schema<Value>, of: (answer: Answer) => NoInfer<Value>): Field<Answer, Value> {
  return { schema, of };
}
