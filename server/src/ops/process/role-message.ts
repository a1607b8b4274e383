// Owns what a parent and the processes it started say to each other. Refuses to know how either side acts on it.

import type { Config } from "../config.ts";
import type { RoleName } from "./run-directory.ts";

/** Parent to child, once, first of all. To an edge a handle on the door travels with it. */
export interface RoleStart {
  readonly kind: "start";
  readonly name: RoleName;
  readonly config: Config;
  readonly version: string;
}

/** What an edge tells of its room: whenever it changes, at most every `LOAD_MS` but for the first place and the last. */
export interface EdgeLoad {
  readonly listeners: number;
  /** Newcomers that it could take just now; 0: it is full, or draining. */
  readonly places: number;
  /** People in its waiting room. */
  readonly waiting: number;
}

/** Parent to an edge, whenever it changes. */
export interface DoorWord {
  /** Whether to accept connections at the door. */
  readonly isOpen: boolean;
  /** Places at other edges, as many of them as those who wait at this one may take. */
  readonly elsewherePlaces: number;
  /** People in the waiting rooms of other edges. */
  readonly elsewhereWaiting: number;
}

/** Parent to child after the start. A handle on the door, asked for with `spare`, travels with `door`. */
export type ParentSaid = { readonly kind: "door" } | ({ readonly kind: "word" } & DoorWord);

/** Child to parent. */
export type RoleAnswer =
  /** Once. */
  | { readonly kind: "ready" }
  /** Once, in place of `ready`. It ends by itself after this; the sentence is for the operator. */
  | { readonly kind: "failed"; readonly sentence: string }
  | ({ readonly kind: "load" } & EdgeLoad)
  /** An edge has used its handle on the door and wants another to keep. */
  | { readonly kind: "spare" };

export const LOAD_MS = 1_000;

const COUNTS = ["listeners", "places", "waiting"] as const;

export function isRoleAnswer(value: unknown): value is RoleAnswer {
  const said = (value ?? {}) as Record<string, unknown>;
  const { kind, sentence } = said;
  if (kind === "load") return COUNTS.every((name) => Number.isSafeInteger(said[name]) && Number(said[name]) >= 0);
  return kind === "ready" || kind === "spare" || (kind === "failed" && typeof sentence === "string");
}

/** What came is a word of the parent after the start. */
export function isParentSaid(value: unknown): value is ParentSaid {
  const kind = (value as { readonly kind?: unknown } | undefined)?.kind;
  return kind === "door" || kind === "word";
}
