// The public fields of a space, for the room document, the home page's list and the API's schemas.

import type { SpaceId } from "../ids.ts";
import type { ListenersLag } from "../listen/lag-counts.ts";
import type { SpaceDetails } from "../log/detail-values.ts";
import { SPACE_DETAILS } from "../log/space-details.ts";
import { AIRS, END_REASONS, HOLD_REASONS, PHASES, RECORDING_STATUSES, ROLES, type SpaceState } from "../log/state.ts";
import { SLOT_MS } from "../units.ts";
import {
  BOOLEAN,
  type Field,
  INTEGER,
  list,
  NUMBER,
  nullable,
  object,
  oneOf,
  type Schema,
  text,
} from "./document-fields.ts";

export interface MeasuredSpace {
  readonly id: SpaceId;
  readonly state: SpaceState;
  readonly audience: number;
  /** How far behind the stage listeners measure that they are; absent: not known. */
  readonly lag?: ListenersLag | undefined;
}

const SPEAKER = object({ seat: INTEGER, name: text(), role: oneOf(ROLES), muted: BOOLEAN, present: BOOLEAN });

export const ROOM_SPACE_FIELDS = {
  id: field(text<SpaceId>(), ({ id }) => id),
  ...detailFields(),
  phase: field(oneOf(PHASES), ({ state }) => state.phase),
  /** Empty until the state has come. */
  host: field(text(), ({ state }) => state.host?.name ?? ""),
  /** Levels name people by `seat`. */
  speakers: field(list(SPEAKER), ({ state }) =>
    state.seats.map(({ seat, name, role, muted, present }) => ({ seat, name, role, muted, present })),
  ),
  /** Names of the people whose microphone was open while the space was live, the first of them first. */
  spoke: field(list(text()), ({ state }) => state.spoke ?? []),
  handsCount: field(NUMBER, ({ state }) => state.hands.length),
  /** Whether listeners may raise hands. */
  handsOpen: field(BOOLEAN, ({ state }) => state.handsOpen),
  air: field(oneOf(AIRS), ({ state }) => state.air),
  holdReason: field(nullable(oneOf(HOLD_REASONS)), ({ state }) => state.holdReason ?? null),
  recording: field(oneOf(RECORDING_STATUSES), ({ state }) => state.recording),
  audience: field(NUMBER, ({ audience }) => audience),
  /** Half of the listeners measure that they are farther behind the stage than this; `null`: nobody has measured it. */
  lagMs: field(nullable(NUMBER), ({ lag }) => lag?.medianMs ?? null),
  /** One listener in twenty is farther behind than this. */
  slowLagMs: field(nullable(NUMBER), ({ lag }) => lag?.slowestMs ?? null),
  createdUtcMs: field(NUMBER, ({ state }) => state.originUtcMs),
  liveUtcMs: field(nullable(NUMBER), ({ state }) => state.liveUtcMs ?? null),
  endedUtcMs: field(nullable(NUMBER), ({ state }) => state.endedUtcMs ?? null),
  endReason: field(nullable(oneOf(END_REASONS)), ({ state }) => state.endReason ?? null),
};

const MAX_FACES = 7;

/** One row of the list of live spaces, in this order. */
export const LISTED_SPACE_FIELDS = {
  id: ROOM_SPACE_FIELDS.id,
  title: ROOM_SPACE_FIELDS.title,
  phase: ROOM_SPACE_FIELDS.phase,
  host: ROOM_SPACE_FIELDS.host,
  /** People on the stage who are there. */
  speakersCount: field(NUMBER, ({ state }) => state.seats.filter(({ present }) => present).length),
  /** The first of them; `muted`: cannot be heard now. */
  faces: field(list(object({ name: text(), muted: BOOLEAN })), ({ state }) =>
    state.seats
      .filter(({ present }) => present)
      .slice(0, MAX_FACES)
      .map(({ name, muted }) => ({ name, muted })),
  ),
  hostPresent: field(BOOLEAN, ({ state }) => isHostPresent(state)),
  audience: ROOM_SPACE_FIELDS.audience,
  liveUtcMs: ROOM_SPACE_FIELDS.liveUtcMs,
};

/** One row of the list of spaces that can be heard again. */
export const PAST_SPACE_FIELDS = {
  id: ROOM_SPACE_FIELDS.id,
  title: ROOM_SPACE_FIELDS.title,
  host: ROOM_SPACE_FIELDS.host,
  spoke: ROOM_SPACE_FIELDS.spoke,
  liveUtcMs: ROOM_SPACE_FIELDS.liveUtcMs,
  endedUtcMs: ROOM_SPACE_FIELDS.endedUtcMs,
  /** Of the recording, to about a second. */
  durationMs: field(NUMBER, ({ state }) => durationMsOf(state)),
};

/** Breaks are left out of a recording. 0 before a space has gone live or ended. */
export function durationMsOf({ liveSlot, endedSlot, gaps }: SpaceState): number {
  if (liveSlot === undefined || endedSlot === undefined) return 0;
  const inSpace = gaps.filter(({ from }) => from >= liveSlot && from < endedSlot);
  const gapSlots = inSpace.reduce((sum, { from, to }) => sum + Math.min(to, endedSlot) - from, 0);
  return Math.max(0, endedSlot - liveSlot - gapSlots) * SLOT_MS;
}

export function isHostPresent({ seats }: SpaceState): boolean {
  return seats.some(({ role, present }) => role === "host" && present);
}

type DetailFields = {
  readonly [Name in keyof SpaceDetails]: Field<MeasuredSpace, SpaceDetails[Name]>;
};

function detailFields(): DetailFields {
  const fields = Object.entries(SPACE_DETAILS).map(([name, { schema }]) => [
    name,
    field(schema, ({ state }) => state[name as keyof SpaceDetails]),
  ]);
  return Object.fromEntries(fields) as DetailFields;
}

function field<Value>(
  schema: Schema<Value>,
  of: (space: MeasuredSpace) => NoInfer<Value>,
): Field<MeasuredSpace, Value> {
  return { schema, of };
}
