// Owns what a seated person's messages lead to: commands answered, pings returned, too many refused. Refuses to know
// WebRTC and what a command does.

import type { Clock } from "@hustings/flow/clock.ts";
import { type ChannelDown, type ChannelUp, parseChannelUp } from "@hustings/wire/channel.ts";
import type { Command } from "@hustings/wire/commands.ts";
import { Refusal } from "@hustings/wire/errors.ts";

export interface ChannelOptions {
  readonly clock: Clock;
  readonly execute: (command: Command) => Promise<{ readonly seq: number }>;
  readonly say: (message: ChannelDown) => void;
  /** A failure that is ours: told to the operator, not to the peer. */
  readonly onFailure: (cause: unknown) => void;
}

export const MAX_MESSAGES_PER_SECOND = 20;
/** Commands of one person under way; more are refused until one is answered. */
export const MAX_COMMANDS_UNDER_WAY = 20;
/** The `id` of an answer to a message whose own could not be read. */
export const NO_ID = -1;

/** Takes each message of one call, in order. Never throws: whatever came is answered, or was a ping too many. */
export function createChannel({ clock, execute, say, onFailure }: ChannelOptions): (text: string) => void {
  let tokens = MAX_MESSAGES_PER_SECOND;
  let filledMs = clock.monotonicMs();
  let underWay = 0;

  function takeToken(): boolean {
    const nowMs = clock.monotonicMs();
    tokens = Math.min(MAX_MESSAGES_PER_SECOND, tokens + ((nowMs - filledMs) / 1000) * MAX_MESSAGES_PER_SECOND);
    filledMs = nowMs;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  }

  function refuse(id: number, cause: unknown): void {
    const refusal = cause instanceof Refusal ? cause : new Refusal("internal", undefined, { cause });
    if (refusal !== cause || refusal.code === "cannot-store") onFailure(cause);
    say({ kind: "refused", id, error: refusal.code, message: refusal.message });
  }

  async function command(message: ChannelUp & { kind: "command" }): Promise<void> {
    if (underWay >= MAX_COMMANDS_UNDER_WAY) return refuse(message.id, new Refusal("too-many"));
    underWay += 1;
    try {
      const { seq } = await execute(message.command);
      say({ kind: "done", id: message.id, seq });
    } catch (cause) {
      refuse(message.id, cause);
    } finally {
      underWay -= 1;
    }
  }

  return (text) => {
    if (!takeToken()) return refuse(idOf(text), new Refusal("too-many"));
    let message: ChannelUp;
    try {
      message = parseChannelUp(text);
    } catch (cause) {
      return refuse(idOf(text), cause);
    }
    if (message.kind === "ping") say({ kind: "pong", id: message.id, utcMs: clock.utcMs() });
    else void command(message);
  };
}

/** The id of a message that is refused, as far as it has one. */
function idOf(text: string): number {
  const id = /"id"\s*:\s*(\d{1,15})\b/.exec(text.slice(0, 4096))?.[1];
  return id === undefined ? NO_ID : Number(id);
}
