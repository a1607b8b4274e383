// Commands on a speaker's data channel that wait for the stage's answer.

import { Refusal } from "@hustings/wire/errors.ts";
import type { Command } from "@hustings/wire/stage/commands.ts";
import type { SpeakerMessage, StageMessage } from "@hustings/wire/stage/data-channel.ts";

export interface PendingCommand {
  readonly id: number;
  readonly text: string;
  /** Resolves once the command is on disk; rejects with the stage's Refusal. */
  readonly seq: Promise<number>;
}

export class PendingCommands {
  readonly #byId = new Map<number, PromiseWithResolvers<number>>();
  #nextId = 1;

  get count(): number {
    return this.#byId.size;
  }

  add(command: Command): PendingCommand {
    const id = this.#nextId++;
    const answer = Promise.withResolvers<number>();
    this.#byId.set(id, answer);
    const text = JSON.stringify({ kind: "command", id, command } satisfies SpeakerMessage);
    return { id, text, seq: answer.promise };
  }

  /** A `done` or `refused` message settles its command. */
  onMessage(message: StageMessage): void {
    if (message.kind === "done") this.#take(message.id)?.resolve(message.seq);
    if (message.kind === "refused") this.#take(message.id)?.reject(refusalOf(message));
  }

  /** Does nothing once answered. */
  reject(id: number, error: Error): void {
    this.#take(id)?.reject(error);
  }

  rejectAll(error: Error): void {
    for (const id of [...this.#byId.keys()]) this.reject(id, error);
  }

  #take(id: number): PromiseWithResolvers<number> | undefined {
    const answer = this.#byId.get(id);
    this.#byId.delete(id);
    return answer;
  }
}

function refusalOf({ error, message, retryAfterMs }: StageMessage & { kind: "refused" }): Refusal {
  return new Refusal(error, message, retryAfterMs === undefined ? {} : { retryAfterMs });
}
