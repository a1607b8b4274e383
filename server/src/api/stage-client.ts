// Asks the stage over its Unix socket, without retries: no answer in time is `stage-away`.

import { Agent } from "node:http";
import type { MeasuredSpace } from "@hustings/wire/api/space-shape.ts";
import type { TicketClaims } from "@hustings/wire/api/tickets.ts";
import { Refusal, refusalFromBody } from "@hustings/wire/errors.ts";
import type { PersonId, SpaceId } from "@hustings/wire/ids.ts";
import type { SpaceDetails } from "@hustings/wire/log/detail-values.ts";
import type { Command } from "@hustings/wire/stage/commands.ts";
import { type UnixAnswer, unixRequest } from "../http/unix-request.ts";

export interface NewSpace extends SpaceDetails {
  readonly id: SpaceId;
  readonly host: { readonly person: PersonId; readonly name: string };
  readonly secretHash: string;
}

/** Rejects with a Refusal: the stage's row, or `stage-away`. */
export interface StageClient {
  createSpace(space: NewSpace): Promise<void>;
  space(id: SpaceId): Promise<MeasuredSpace>;
  matchHostSecret(id: SpaceId, secretHash: string): Promise<{ person: PersonId; name: string; generation: number }>;
  /** `keptCall`: the call of the person who replaces the link, which goes on; calls of other hosts end. */
  replaceHostSecret(
    id: SpaceId,
    claims: TicketClaims,
    secretHash: string,
    keptCall: string | undefined,
  ): Promise<{ generation: number }>;
  /** `address`: where the command came from, by which the stage limits it. */
  command(id: SpaceId, claims: TicketClaims, command: Command, address: string): Promise<{ seq: number }>;
}

export interface StageClientOptions {
  readonly socketPath: string;
  readonly deadlineMs?: number;
}

const MAX_CONNECTIONS = 32;
/** More are refused, so that a stuck stage does not fill this process. */
const MAX_ASKING = 256;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const RETRY_AFTER_MS = 1_000;

type Method = "GET" | "POST" | "PUT";

export function stageClient({ socketPath, deadlineMs = 5_000 }: StageClientOptions): StageClient {
  // A kept connection may be closing just as it is used.
  const agent = new Agent({ keepAlive: false, maxSockets: MAX_CONNECTIONS });
  let askingCount = 0;

  async function ask<Answer>(method: Method, path: string, body?: unknown): Promise<Answer> {
    if (askingCount >= MAX_ASKING) throw away(new Error(`${MAX_ASKING} requests wait for the stage`));
    askingCount++;
    try {
      const answer = await unixRequest({
        agent,
        socketPath,
        deadlineMs,
        maxAnswerBytes: MAX_ANSWER_BYTES,
        method,
        path,
        body,
      });
      return answerOf<Answer>(answer);
    } catch (cause) {
      throw cause instanceof Refusal ? cause : away(cause);
    } finally {
      askingCount--;
    }
  }

  const at = (id: SpaceId): string => `/internal/spaces/${id}`;
  return {
    createSpace: (space) => ask("POST", "/internal/spaces", space),
    space: (id) => ask("GET", at(id)),
    matchHostSecret: (id, secretHash) => ask("POST", `${at(id)}/host-secret`, { secretHash }),
    replaceHostSecret: (id, claims, secretHash, keptCall) =>
      ask("PUT", `${at(id)}/host-secret`, { claims, secretHash, keptCall }),
    command: (id, claims, command, address) => ask("POST", `${at(id)}/commands`, { claims, command, address }),
  };
}

function answerOf<Answer>({ status, text }: UnixAnswer): Answer {
  const value: unknown = text === "" ? undefined : JSON.parse(text);
  if (status >= 200 && status < 300) return value as Answer;
  throw refusalFromBody(value) ?? new Error(`the stage answered ${status}`);
}

function away(cause: unknown): Refusal {
  return new Refusal("stage-away", undefined, { cause, retryAfterMs: RETRY_AFTER_MS });
}
