// The four lanes of a space's log, their positions and cursors.

import type { PersonId } from "../ids.ts";
import type { Rendition } from "../units.ts";
import type { SpaceState, StateEntry } from "./state.ts";

/**
 * Positions count from 1; sound has a lane per rendition, whose position is the slot. `state` is public and folded;
 * `moments` is public and windowed; `backstage` is private and never reaches an edge.
 */
export type EntryLane = "state" | "moments" | "backstage";

/** Seen by the stage and its recorder only. */
export type BackstageChange =
  /** Replaces every earlier host link. `secretHash` is base64url(SHA-256(secret)). */
  | { readonly kind: "host-secret"; readonly secretHash: string; readonly generation: number }
  | { readonly kind: "acted"; readonly by: PersonId; readonly what: string; readonly stateSeq: number }
  /** Without a name in version 0.1. */
  | { readonly kind: "barred"; readonly person: PersonId; readonly name?: string }
  | { readonly kind: "unbarred"; readonly person: PersonId }
  | { readonly kind: "log-repaired"; readonly lane: string; readonly lostBytes: number };

/** More people than a host can remove. Beyond it the one removed longest ago may come back. */
export const MAX_BARRED = 4_096;

export type BackstageEntry = BackstageChange & { readonly seq: number; readonly slot: number; readonly utcMs: number };

/** Each `kind` (a caption, a comment, a tally) has its own fields. */
export interface MomentChange {
  readonly kind: string;
}

export type MomentEntry = MomentChange & { readonly seq: number; readonly slot: number; readonly utcMs: number };

/** The next slot that a follower wants and the newest entries it has. All zeros: everything. */
export interface Cursor {
  readonly nextSlot: number;
  readonly stateSeq: number;
  readonly momentSeq: number;
}

/** A rendition without sound has no slot. */
export interface Heads {
  readonly slot: Partial<Record<Rendition, number>>;
  readonly stateSeq: number;
  readonly momentSeq: number;
  readonly backstageSeq: number;
}

/**
 * A follower gets nothing twice. Per rendition slots ascend; a slot's state entries come before its sound. A follower that is
 * far behind in the state lane gets a snapshot instead of entries; its state may be that of a later slot.
 */
export type LogRecord =
  | { readonly lane: "sound"; readonly rendition: Rendition; readonly slot: number; readonly bytes: Uint8Array }
  | { readonly lane: "state"; readonly entry: StateEntry }
  | { readonly lane: "snapshot"; readonly state: SpaceState }
  | { readonly lane: "moments"; readonly entry: MomentEntry };
