// The messages between a parent and the processes that it started.

import type { Config } from "../config.ts";
import type { RoleName } from "./run-directory.ts";

/** Parent to child, once, as the first message. For an edge it carries a handle on the door. */
export interface RoleStart {
  readonly kind: "start";
  readonly name: RoleName;
  readonly config: Config;
  readonly version: string;
}

/**
 * Edge to parent: how full it is. Sent whenever it changes, at most every `LOAD_MS`, except that gaining the first place
 * and losing the last are sent at once.
 */
export interface EdgeLoad {
  readonly listeners: number;
  /** Newcomers that it could admit now; 0: it is full or draining. */
  readonly places: number;
  /** People in its queue. */
  readonly waiting: number;
}

/** Parent to edge, whenever it changes. */
export interface AcceptInstruction {
  /** Whether to accept connections at the door. */
  readonly isOpen: boolean;
  /** Free places at other edges that people in this edge's queue may take. */
  readonly elsewherePlaces: number;
  /** People in the queues of other edges. */
  readonly elsewhereWaiting: number;
}

/** Parent to child after the start. `door` carries a handle on the door, which the edge requested with `spare`. */
export type ParentMessage = { readonly kind: "door" } | ({ readonly kind: "accept" } & AcceptInstruction);

/** Child to parent. */
export type RoleMessage =
  /** Once. */
  | { readonly kind: "ready" }
  /** Once, in place of `ready`; the process then ends. The sentence is for the operator. */
  | { readonly kind: "failed"; readonly sentence: string }
  | ({ readonly kind: "load" } & EdgeLoad)
  /** An edge has used its handle on the door and wants a spare one. */
  | { readonly kind: "spare" };

export const LOAD_MS = 1_000;

const COUNTS = ["listeners", "places", "waiting"] as const;

export function isRoleMessage(value: unknown): value is RoleMessage {
  const message = (value ?? {}) as Record<string, unknown>;
  const { kind, sentence } = message;
  if (kind === "load") return COUNTS.every((name) => Number.isSafeInteger(message[name]) && Number(message[name]) >= 0);
  return kind === "ready" || kind === "spare" || (kind === "failed" && typeof sentence === "string");
}

/** Whether a message is one that a parent sends after the start. */
export function isParentMessage(value: unknown): value is ParentMessage {
  const kind = (value as { readonly kind?: unknown } | undefined)?.kind;
  return kind === "door" || kind === "accept";
}
