// Owns the room document: what a newcomer's page needs before it listens, one small cacheable JSON; and the row of the
// home page's list. Both are views of the state. Refuses to hold anything per listener.

import type { SpaceId } from "../ids.ts";
import type { Air, HoldReason, Phase, RecordingStatus, Role, SpaceState } from "../log/state.ts";
import { ROUTES } from "../routes.ts";

/**
 * `push`: by the listener WebSocket, at once. `pull`: every place there is taken; sound is at the HLS address. `waiting`:
 * the WebSocket keeps a place in the line and lets in by itself.
 */
export type Tier = "push" | "pull" | "waiting";

export interface QueueStatus {
  /** People who wait at the door that answered. */
  readonly count: number;
  /** How long the last of them may take to get in; `null` where nobody has left yet, and while nobody waits. */
  readonly estimateMs: number | null;
}

/** Ask again within this where nothing says otherwise. */
const AGAIN = { afterMs: 4_000, spreadMs: 2_000 };
/** While every place is taken, and people come faster than they are let in. */
const AGAIN_FULL = { afterMs: 10_000, spreadMs: 20_000 };

export interface RoomDocument {
  readonly id: SpaceId;
  readonly title: string;
  readonly phase: Phase;
  readonly host: string;
  readonly speakers: readonly {
    /** By which levels name them. */
    readonly seat: number;
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
  /** How far behind the stage those are who listen here, by the cadence of each; `null`: not known. */
  readonly lagMs: number | null;
  readonly createdUtcMs: number;
  readonly liveUtcMs: number | null;
  /** How a newcomer is served just now. */
  readonly tier: Tier;
  /** Where the sound can be had by HLS at no cost to this server, while the tier is `pull`; else `null`. */
  readonly pull: string | null;
  /** Who waits for a place; zeros and `null` while there are places. */
  readonly line: QueueStatus;
  /** When to ask for this document again: after `afterMs` and a random part of `spreadMs`. */
  readonly again: { readonly afterMs: number; readonly spreadMs: number };
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

const MAX_LISTED_SPACES = 100;

/** A space and how many listen to it. */
export interface SpaceWithAudience {
  readonly id: SpaceId;
  readonly state: SpaceState;
  readonly audience: number;
}

/** What the answering server knows beside the space. */
export interface RoomView {
  readonly stagePort: number;
  readonly asOfUtcMs: number;
  readonly stale: boolean;
  /** Not known where absent. */
  readonly lagMs?: number;
  /** `push` where absent. */
  readonly tier?: Tier;
  /** Of a CDN; absent: there is none. */
  readonly pullUrl?: string | undefined;
  /** Nobody where absent. */
  readonly line?: QueueStatus;
}

export function roomDocumentOf({ id, state, audience }: SpaceWithAudience, view: RoomView): RoomDocument {
  const { tier = "push", line = { count: 0, estimateMs: null } } = view;
  return {
    id,
    title: state.title,
    phase: state.phase,
    host: state.host?.name ?? "",
    speakers: state.seats.map(({ seat, name, role, muted, present }) => ({ seat, name, role, muted, present })),
    handsCount: state.hands.length,
    air: state.air,
    holdReason: state.holdReason ?? null,
    recording: state.recording,
    audience,
    lagMs: view.lagMs ?? null,
    createdUtcMs: state.originUtcMs,
    liveUtcMs: state.liveUtcMs ?? null,
    tier,
    pull: tier === "pull" && view.pullUrl !== undefined ? view.pullUrl + ROUTES.hls(id) : null,
    line,
    again: tier === "push" ? AGAIN : AGAIN_FULL,
    listen: ROUTES.listen(id),
    stage: { path: ROUTES.stage(id), port: view.stagePort },
    asOfUtcMs: view.asOfUtcMs,
    stale: view.stale,
  };
}

/** What is live, most listeners first, at most `MAX_LISTED_SPACES`. */
export function listedSpacesOf(spaces: readonly SpaceWithAudience[]): readonly ListedSpace[] {
  return spaces
    .filter(({ state }) => state.phase === "live")
    .sort((a, b) => b.audience - a.audience)
    .slice(0, MAX_LISTED_SPACES)
    .map(({ id, state, audience }) => ({
      id,
      title: state.title,
      phase: state.phase,
      host: state.host?.name ?? "",
      speakersCount: state.seats.length,
      audience,
      liveUtcMs: state.liveUtcMs ?? null,
    }));
}
