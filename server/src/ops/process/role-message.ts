// The messages between a parent and the processes that it started.

import type { Config } from "../config.ts";
import type { RoleName } from "./run-directory.ts";
import type { StartProgress } from "./start-watch.ts";

/** The first message; for an edge it carries a handle on the door. */
export interface RoleStart {
  readonly kind: "start";
  readonly name: RoleName;
  readonly config: Config;
  readonly version: string;
}

/** Edge to parent, when it changes, at most every `LOAD_MS`; at once for the first place gained or the last lost. */
export interface EdgeLoad {
  readonly listeners: number;
  /** Newcomers that fit now; 0: full or draining. */
  readonly places: number;
  readonly waiting: number;
}

export interface AcceptInstruction {
  readonly isOpen: boolean;
  /** Free places elsewhere, for this edge's queue. */
  readonly elsewherePlaces: number;
  readonly elsewhereWaiting: number;
}

/** Sent after the start. `door` carries a handle, requested with `spare`. */
export type ParentMessage = { readonly kind: "door" } | ({ readonly kind: "accept" } & AcceptInstruction);

export type RoleMessage =
  /** Every second until the process is ready. */
  | ({ readonly kind: "starting" } & StartProgress)
  /** Once. */
  | { readonly kind: "ready" }
  /** Instead of `ready`; the process then ends. The sentence is for the operator. */
  | { readonly kind: "failed"; readonly sentence: string }
  | ({ readonly kind: "load" } & EdgeLoad)
  /** The edge has used its handle and wants another. */
  | { readonly kind: "spare" };

export const LOAD_MS = 1_000;

const COUNTS = ["listeners", "places", "waiting"] as const;

export function isRoleMessage(value: unknown): value is RoleMessage {
  const message = (value ?? {}) as Record<string, unknown>;
  const { kind, sentence, step, workMs } = message;
  if (kind === "starting") return typeof step === "string" && Number.isFinite(workMs);
  if (kind === "load") return COUNTS.every((name) => Number.isSafeInteger(message[name]) && Number(message[name]) >= 0);
  return kind === "ready" || kind === "spare" || (kind === "failed" && typeof sentence === "string");
}

export function isParentMessage(value: unknown): value is ParentMessage {
  const kind = (value as { readonly kind?: unknown } | undefined)?.kind;
  return kind === "door" || kind === "accept";
}
