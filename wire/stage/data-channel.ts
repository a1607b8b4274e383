// Owns what travels on a seated person's data channel, between the speaking page and the stage. Refuses to know WebRTC.
// Text messages, JSON, at most MAX_CHANNEL_BYTES each way; at most twenty commands a second, more are answered "too-many".

import { type ErrorCode, Refusal } from "../errors.ts";
import type { SeatLevel } from "../log/fragment.ts";
import type { SpaceState, StateEntry } from "../log/state.ts";
import { type Command, parseCommand } from "./commands.ts";

export const CHANNEL_LABEL = "hustings";
export const MAX_CHANNEL_BYTES = 64 * 1024;
const MAX_CHANNEL_COMMAND_BYTES = 4 * 1024;

/** Up. `id` is the sender's, echoed in the answer. `ping` keeps a route open and measures the way. */
export type SpeakerMessage =
  | { readonly kind: "command"; readonly id: number; readonly command: Command }
  | { readonly kind: "ping"; readonly id: number };

/** Down. The first message is a snapshot; entries follow in order. Levels come five times a second, before they are heard. */
export type StageMessage =
  | { readonly kind: "snapshot"; readonly state: SpaceState; readonly seat: number; readonly utcMs: number }
  | { readonly kind: "state"; readonly entries: readonly StateEntry[] }
  /** The command was carried out, and `seq` is the newest state entry on disk with it. */
  | { readonly kind: "done"; readonly id: number; readonly seq: number }
  | { readonly kind: "refused"; readonly id: number; readonly error: ErrorCode; readonly message: string }
  | { readonly kind: "levels"; readonly slot: number; readonly levels: readonly SeatLevel[] }
  | { readonly kind: "audience"; readonly audience: number }
  | { readonly kind: "pong"; readonly id: number; readonly utcMs: number }
  /** This peer is taken over by a newer one of the same person, or the seat is gone; the stage closes it. */
  | { readonly kind: "bye"; readonly why: "replaced" | "left" | "removed" | "ended" };

/** Checks what a seated person said. Throws a Refusal: `too-large`, `bad-json`, or what the command's own check throws. */
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
  if (!Number.isSafeInteger(id)) throw new Refusal("bad-json", `"id" is a whole number.`);
  if (kind === "ping") return { kind, id: id as number };
  if (kind === "command") return { kind, id: id as number, command: parseCommand(command) };
  throw new Refusal("bad-json", `There is no message of kind ${JSON.stringify(kind)?.slice(0, 40)}.`);
}
