// The room document, which a page reads before it listens, and the list of live spaces. Cacheable: nothing per
// listener.

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
import {
  isHostPresent,
  LISTED_SPACE_FIELDS,
  type MeasuredSpace,
  PAST_SPACE_FIELDS,
  ROOM_SPACE_FIELDS,
} from "../api/space-shape.ts";
import type { SpaceId } from "../ids.ts";
import { ROUTES } from "../routes.ts";

const TIERS = ["push", "pull", "waiting"] as const;

/** `push`: by WebSocket. `pull`: by HLS, every place is taken. `waiting`: queued on the WebSocket. */
export type Tier = (typeof TIERS)[number];

export interface QueueStatus {
  readonly count: number;
  /** Wait of the last in the queue; `null`: nobody waits, or no place has become free yet. */
  readonly estimateMs: number | null;
}

const NOBODY_WAITS: QueueStatus = { count: 0, estimateMs: null };
const AGAIN = { afterMs: 4_000, spreadMs: 2_000 };
const AGAIN_FULL = { afterMs: 10_000, spreadMs: 20_000 };

export interface AnsweringServer {
  readonly stagePort: number;
  readonly asOfUtcMs: number;
  readonly stale: boolean;
  /** Absent: `push`. */
  readonly tier?: Tier;
  /** Base address of a CDN for HLS; absent: none. */
  readonly pullUrl?: string | undefined;
  /** Absent: nobody waits. */
  readonly queue?: QueueStatus;
}

type Answer = AnsweringServer & { readonly id: SpaceId };

const ROOM_SERVER_FIELDS = {
  tier: field(oneOf(TIERS), ({ tier = "push" }) => tier),
  /** HLS address at the CDN while the tier is `pull`; else `null`. */
  pull: field(nullable(text()), ({ tier, pullUrl, id }) =>
    tier === "pull" && pullUrl !== undefined ? pullUrl + ROUTES.hls(id) : null,
  ),
  line: field(object({ count: INTEGER, estimateMs: nullable(NUMBER) }), ({ queue = NOBODY_WAITS }) => queue),
  /** Ask again after `afterMs` and a random part of `spreadMs`. */
  again: field(object({ afterMs: INTEGER, spreadMs: INTEGER }), ({ tier = "push" }) =>
    tier === "push" ? AGAIN : AGAIN_FULL,
  ),
  listen: field(text("Path of the listener WebSocket, subprotocol hustings.1."), ({ id }) => ROUTES.listen(id)),
  stage: field(object({ path: text(), port: NUMBER }), ({ id, stagePort }) => ({
    path: ROUTES.stage(id),
    port: stagePort,
  })),
  /** Older than a few seconds only when `stale`. */
  asOfUtcMs: field(NUMBER, ({ asOfUtcMs }) => asOfUtcMs),
  /** The parts behind the answering server are away; this is its last document. */
  stale: field(BOOLEAN, ({ stale }) => stale),
};

export type RoomDocument = DocumentOf<typeof ROOM_SPACE_FIELDS & typeof ROOM_SERVER_FIELDS>;
export const ROOM_DOCUMENT_SCHEMA: Schema<RoomDocument> = documentSchema({
  ...ROOM_SPACE_FIELDS,
  ...ROOM_SERVER_FIELDS,
});

export type ListedSpace = DocumentOf<typeof LISTED_SPACE_FIELDS>;
export const LISTED_SPACE_SCHEMA: Schema<ListedSpace> = documentSchema(LISTED_SPACE_FIELDS);

export type PastSpace = DocumentOf<typeof PAST_SPACE_FIELDS>;
export const PAST_SPACE_SCHEMA: Schema<PastSpace> = documentSchema(PAST_SPACE_FIELDS);

/** The answer of `GET /api/spaces/past` and of its further pages. */
export interface PastSpaceList {
  /** The one that ended last comes first; at most `PAST_PAGE_SPACES`. */
  readonly spaces: readonly PastSpace[];
  /** Path of the next page; `null`: this is the last. */
  readonly next: string | null;
}

export const PAST_PAGE_SPACES = 12;

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

/** Those whose host is there first, then by listeners; at most `MAX_LISTED_SPACES`. */
export function listedSpacesOf(spaces: readonly MeasuredSpace[]): readonly ListedSpace[] {
  return spaces
    .filter(({ state }) => state.phase === "live")
    .sort((a, b) => Number(isHostPresent(b.state)) - Number(isHostPresent(a.state)) || b.audience - a.audience)
    .slice(0, MAX_LISTED_SPACES)
    .map((space) => documentOf(LISTED_SPACE_FIELDS, space));
}

function field<Value>(schema: Schema<Value>, of: (answer: Answer) => NoInfer<Value>): Field<Answer, Value> {
  return { schema, of };
}
