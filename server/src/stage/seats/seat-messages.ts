// Answers a call's data channel messages, within limits.

import type { Clock } from "@hustings/flow/clock.ts";
import { createTokenBucket } from "@hustings/flow/token-bucket.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { Command } from "@hustings/wire/stage/commands.ts";
import { parseSpeakerMessage, type SpeakerMessage, type StageMessage } from "@hustings/wire/stage/data-channel.ts";

export interface SeatMessagesOptions {
  readonly clock: Clock;
  readonly execute: (command: Command) => Promise<{ readonly seq: number }>;
  readonly send: (message: StageMessage) => void;
  /** Our own failures; the peer gets only their row of the table. */
  readonly onFailure: (cause: unknown) => void;
}

export const MAX_MESSAGES_PER_SECOND = 20;
/** Further commands are refused. */
export const MAX_COMMANDS_UNDER_WAY = 20;
export const NO_ID = -1;

export interface SeatMessages {
  /** Call in the order of arrival. Never throws: every message is answered. */
  receive(text: string): void;
  readonly pending: Promise<void> | undefined;
}

export function createSeatMessages({ clock, execute, send, onFailure }: SeatMessagesOptions): SeatMessages {
  const bucket = createTokenBucket(clock, MAX_MESSAGES_PER_SECOND, MAX_MESSAGES_PER_SECOND);
  let underWay = 0;
  let pending: PromiseWithResolvers<void> | undefined;

  function refuse(id: number, cause: unknown): void {
    const refusal = cause instanceof Refusal ? cause : new Refusal("internal", undefined, { cause });
    if (refusal !== cause || refusal.code === "cannot-store") onFailure(cause);
    const { code: error, message, retryAfterMs } = refusal;
    send({ kind: "refused", id, error, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
  }

  async function command(message: SpeakerMessage & { kind: "command" }): Promise<void> {
    if (underWay >= MAX_COMMANDS_UNDER_WAY) return refuse(message.id, new Refusal("too-many"));
    underWay += 1;
    pending ??= Promise.withResolvers();
    try {
      const { seq } = await execute(message.command);
      send({ kind: "done", id: message.id, seq });
    } catch (cause) {
      refuse(message.id, cause);
    } finally {
      underWay -= 1;
      if (underWay === 0) {
        pending.resolve();
        pending = undefined;
      }
    }
  }

  function receive(text: string): void {
    try {
      if (bucket.takeMs() > 0) throw new Refusal("too-many");
      const message = parseSpeakerMessage(text);
      if (message.kind === "ping") send({ kind: "pong", id: message.id, utcMs: clock.utcMs() });
      else void command(message);
    } catch (cause) {
      refuse(idOf(text), cause);
    }
  }

  return {
    receive,
    get pending() {
      return pending?.promise;
    },
  };
}

function idOf(text: string): number {
  const id = /"id"\s*:\s*(\d{1,15})\b/.exec(text.slice(0, 4096))?.[1];
  return id === undefined ? NO_ID : Number(id);
}
