// The four lanes of a space's log, their positions and cursors.

import type { PersonId } from "../ids.ts";
import type { Rendition } from "../units.ts";
import type { StateEntry } from "./state.ts";

/**
 * `state` is public and folded; `moments` is public, windowed and never folded; `backstage` is private and never reaches an
 * edge. Their positions count from 1. Sound has a lane per rendition, whose position is the slot.
 */
export type EntryLane = "state" | "moments" | "backstage";

/** Changes that only the stage and its recorder see: host secrets, bans, and who did what. */
export type BackstageChange =
  /** A new host link, which replaces every earlier one. `secretHash` is base64url(SHA-256(secret)). */
  | { readonly kind: "host-secret"; readonly secretHash: string; readonly generation: number }
  | { readonly kind: "acted"; readonly by: PersonId; readonly what: string; readonly stateSeq: number }
  | { readonly kind: "barred"; readonly person: PersonId }
  /** Invited again after having been removed. */
  | { readonly kind: "unbarred"; readonly person: PersonId }
  | { readonly kind: "log-repaired"; readonly lane: string; readonly lostBytes: number };

export type BackstageEntry = BackstageChange & { readonly seq: number; readonly slot: number; readonly utcMs: number };

/** A caption, a comment or a tally: `kind` says which, and each kind has its own fields. */
export interface MomentChange {
  readonly kind: string;
}

export type MomentEntry = MomentChange & { readonly seq: number; readonly slot: number; readonly utcMs: number };

/** A follower's position: the next slot it wants and the newest entries it has. All zeros mean everything. */
export interface Cursor {
  readonly nextSlot: number;
  readonly stateSeq: number;
  readonly momentSeq: number;
}

/** The newest positions of a log. A rendition without sound has no slot. */
export interface Heads {
  readonly slot: Partial<Record<Rendition, number>>;
  readonly stateSeq: number;
  readonly momentSeq: number;
  readonly backstageSeq: number;
}

/**
 * What a follower receives. Per rendition slots ascend, the state entries of a slot come before its sound, and nothing
 * comes twice.
 */
export type LogRecord =
  | { readonly lane: "sound"; readonly rendition: Rendition; readonly slot: number; readonly bytes: Uint8Array }
  | { readonly lane: "state"; readonly entry: StateEntry }
  | { readonly lane: "moments"; readonly entry: MomentEntry };
