// Owns the four lanes of a space's log, their positions and cursors. Refuses to know where a log is kept.

import type { PersonId } from "../ids.ts";
import type { Rendition } from "../units.ts";
import type { StateEntry } from "./state.ts";

/**
 * `sound` has one lane per rendition, its position is the slot; `state` is public and folded; `moments` is windowed and
 * never folded; `backstage` is private and never reaches an edge. Positions of the latter three count from 1.
 */
export type EntryLane = "state" | "moments" | "backstage";

/** What the host alone sees, and what is kept as evidence. */
export type BackstageChange =
  /** Secrets are never kept: `secretHash` is base64url(SHA-256(secret)). Replaces every earlier host link. */
  | { readonly kind: "host-secret"; readonly secretHash: string; readonly generation: number }
  | { readonly kind: "acted"; readonly by: PersonId; readonly what: string; readonly stateSeq: number }
  | { readonly kind: "barred"; readonly person: PersonId }
  /** Invited anew after having been removed. */
  | { readonly kind: "unbarred"; readonly person: PersonId }
  | { readonly kind: "log-repaired"; readonly lane: string; readonly lostBytes: number };

export type BackstageEntry = BackstageChange & { readonly seq: number; readonly slot: number; readonly utcMs: number };

/** A caption, a comment, a tally, …: `kind` says which, and each kind has fields of its own. */
export interface MomentChange {
  readonly kind: string;
}

export type MomentEntry = MomentChange & { readonly seq: number; readonly slot: number; readonly utcMs: number };

/** What a follower already has: the next slot wanted and the newest entry held. Zero: everything from the start. */
export interface Cursor {
  readonly nextSlot: number;
  readonly stateSeq: number;
  readonly momentSeq: number;
}

/** The newest positions of a log; `slot` is absent until the rendition has sound. */
export interface Heads {
  readonly slot: Partial<Record<Rendition, number>>;
  readonly stateSeq: number;
  readonly momentSeq: number;
  readonly backstageSeq: number;
}

/**
 * What a follower receives, in the order of the log: every state entry of a slot before the sound of that slot, slots
 * ascending per rendition, nothing twice.
 */
export type LogRecord =
  | { readonly lane: "sound"; readonly rendition: Rendition; readonly slot: number; readonly bytes: Uint8Array }
  | { readonly lane: "state"; readonly entry: StateEntry }
  | { readonly lane: "moments"; readonly entry: MomentEntry };
