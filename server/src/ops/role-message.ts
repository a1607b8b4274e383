// Owns what a parent and the processes it started say to each other. Refuses to know how either side acts on it.

import type { Config } from "./config.ts";
import type { RoleName } from "./run-directory.ts";

/** Parent to child, once, first of all; the door's handle travels with it to an edge. */
export interface RoleStart {
  readonly kind: "start";
  readonly name: RoleName;
  readonly config: Config;
  readonly version: string;
}

/** Child to parent, once. */
export type RoleAnswer =
  | { readonly kind: "ready" }
  /** It ends by itself after this; the sentence is for the operator. */
  | { readonly kind: "failed"; readonly sentence: string };

export function isRoleAnswer(value: unknown): value is RoleAnswer {
  const { kind, sentence } = (value ?? {}) as Record<string, unknown>;
  return kind === "ready" || (kind === "failed" && typeof sentence === "string");
}
