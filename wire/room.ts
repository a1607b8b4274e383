// Owns the room document: what a newcomer's page needs before it listens, one small cacheable JSON. Refuses to hold
// anything per listener.

import type { SpaceId } from "./ids.ts";
import type { Air, HoldReason, Phase, RecordingStatus, Role } from "./state.ts";

export interface RoomDocument {
  readonly id: SpaceId;
  readonly title: string;
  readonly phase: Phase;
  readonly host: string;
  readonly speakers: readonly {
    readonly name: string;
    readonly role: Role;
    readonly muted: boolean;
    readonly present: boolean;
  }[];
  readonly handsCount: number;
  readonly air: Air;
  readonly holdReason: HoldReason | null;
  readonly recording: RecordingStatus;
  /** How many listen, about. */
  readonly audience: number;
  readonly createdUtcMs: number;
  readonly liveUtcMs: number | null;
  /** How a listener is served just now. */
  readonly tier: "push";
  /** Path of the listener WebSocket, on the door that answered. */
  readonly listen: string;
  /** Where seated people talk to the stage: paths on the door, and the stage's own port for when the door is besieged. */
  readonly stage: { readonly path: string; readonly port: number };
  /** When this was true: older than a few seconds only when `stale`. */
  readonly asOfUtcMs: number;
  /** All behind this edge is away; the last document is served. */
  readonly stale: boolean;
}

/** One row of `GET /api/spaces`: what is live, most listeners first; at most `MAX_LISTED_SPACES`. */
export interface ListedSpace {
  readonly id: SpaceId;
  readonly title: string;
  readonly phase: Phase;
  readonly host: string;
  readonly speakersCount: number;
  readonly audience: number;
  readonly liveUtcMs: number | null;
}

export const MAX_LISTED_SPACES = 100;
