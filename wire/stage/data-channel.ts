// The JSON messages on a seated person's data channel. More than twenty commands a second are refused with `too-many`.

import { type ErrorCode, Refusal } from "../errors.ts";
import type { SeatLevel } from "../log/fragment.ts";
import type { NamedPerson, SpaceState, StateEntry } from "../log/state.ts";
import { type Command, parseCommand } from "./commands.ts";

export const CHANNEL_LABEL = "hustings";
export const MAX_CHANNEL_BYTES = 64 * 1024;
const MAX_CHANNEL_COMMAND_BYTES = 4 * 1024;

/** Sent to the stage; the answer echoes `id`. `ping` keeps the route open and measures its delay. */
export type SpeakerMessage =
  | { readonly kind: "command"; readonly id: number; readonly command: Command }
  | { readonly kind: "ping"; readonly id: number };

/**
 * Sent by the stage: the snapshot, then entries in order, and the snapshot again after entries that a full channel dropped;
 * levels five times a second, ahead of the sound.
 */
export type StageMessage =
  | { readonly kind: "snapshot"; readonly state: SpaceState; readonly seat: number; readonly utcMs: number }
  | { readonly kind: "state"; readonly entries: readonly StateEntry[] }
  /** `seq` is the newest state entry on disk, the command's own included. */
  | { readonly kind: "done"; readonly id: number; readonly seq: number }
  | {
      readonly kind: "refused";
      readonly id: number;
      readonly error: ErrorCode;
      readonly message: string;
      /** As in the body of an error answer. */
      readonly retryAfterMs?: number;
    }
  | { readonly kind: "levels"; readonly slot: number; readonly levels: readonly SeatLevel[] }
  | { readonly kind: "audience"; readonly audience: number }
  /** To a host: everybody who was removed and not invited again, oldest first; comes again whenever that changes. */
  | { readonly kind: "removed"; readonly people: readonly NamedPerson[] }
  | { readonly kind: "pong"; readonly id: number; readonly utcMs: number }
  /** The stage closes this peer. "replaced": by a newer one of the same person. "ticket-revoked": its host link was. */
  | { readonly kind: "bye"; readonly why: GoodbyeReason };

export type GoodbyeReason = "replaced" | "left" | "removed" | "ended" | "ticket-revoked";

/** Throws a Refusal: `too-large`, `bad-json`, or that of `parseCommand`. */
export function parseSpeakerMessage(text: string): SpeakerMessage {
  if (text.length > MAX_CHANNEL_COMMAND_BYTES)
    throw new Refusal("too-large", `A message of ${text.length} characters is too long.`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Refusal("bad-json", "The message is not JSON.", { cause });
  }
  const { kind, id, command } = (value ?? {}) as Record<string, unknown>;
  if (!Number.isSafeInteger(id)) throw new Refusal("bad-json", `"id" must be a whole number.`);
  if (kind === "ping") return { kind, id: id as number };
  if (kind === "command") return { kind, id: id as number, command: parseCommand(command) };
  throw new Refusal("bad-json", `There is no message of kind ${JSON.stringify(kind)?.slice(0, 40)}.`);
}
