// The operator's requests about a running server's spaces, sent to the stage over its Unix socket.

import { readFile } from "node:fs/promises";
import type { MeasuredSpace } from "@hustings/wire/api/space-shape.ts";
import { refusalFromBody } from "@hustings/wire/errors.ts";
import type { PersonId, SpaceId } from "@hustings/wire/ids.ts";
import type { SpaceDetails } from "@hustings/wire/log/detail-values.ts";
import { type UnixRequest, unixRequest } from "../http/unix-request.ts";
import type { Config } from "./config.ts";
import { runDirectory } from "./process/run-directory.ts";

export interface OpenedSpace extends SpaceDetails {
  readonly id: SpaceId;
  readonly host: { readonly person: PersonId; readonly name: string };
  readonly secretHash: string;
}

/** Each function rejects with the stage's Refusal, or with an Error that tells the operator why there is no answer. */
export interface Operator {
  /** Live spaces first, then the newest first, then those that ended last; at most 1,000. */
  list(): Promise<readonly MeasuredSpace[]>;
  /** Throws `no-space`. */
  show(id: SpaceId): Promise<MeasuredSpace>;
  open(space: OpenedSpace): Promise<void>;
  /** Ends a space for everyone. Throws `no-space`, `ended`. */
  end(id: SpaceId): Promise<void>;
  /** Deletes a space that is not live, and its recording. Throws `no-space`, `conflict`. */
  delete(id: SpaceId): Promise<void>;
  /** Replaces the host link; the earlier one opens nothing any more. Throws `no-space`, `ended`. */
  replaceHostLink(id: SpaceId, secretHash: string): Promise<void>;
  /** The settings with which the server was started, which its addresses depend on. */
  settings(): Promise<Pick<Config, "host" | "port" | "publicUrl" | "tlsCert">>;
}

const DEADLINE_MS = 30_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export function operatorOf(dataDirectory: string): Operator {
  const { stageSocket, settingsFile } = runDirectory(dataDirectory);

  async function ask<Answer>(path: string, request: Pick<UnixRequest, "method" | "body"> = {}): Promise<Answer> {
    const limits = { deadlineMs: DEADLINE_MS, maxAnswerBytes: MAX_ANSWER_BYTES };
    const { status, text } = await unixRequest({ socketPath: stageSocket, path, ...request, ...limits }).catch(
      (cause: unknown) => {
        throw new Error(`No server runs on ${dataDirectory}: start "hustings serve" there first.`, { cause });
      },
    );
    const value: unknown = text === "" ? undefined : JSON.parse(text);
    if (status >= 200 && status < 300) return value as Answer;
    throw refusalFromBody(value) ?? new Error(`The stage answered ${status}.`);
  }

  const at = (id: SpaceId): string => `/internal/spaces/${id}`;
  return {
    list: () => ask("/internal/spaces?all=yes"),
    show: (id) => ask(at(id)),
    open: (space) => ask("/internal/spaces", { method: "POST", body: space }),
    end: (id) => ask(`${at(id)}/end`, { method: "POST" }),
    delete: (id) => ask(at(id), { method: "DELETE" }),
    replaceHostLink: (id, secretHash) => ask(`${at(id)}/host-link`, { method: "POST", body: { secretHash } }),
    settings: async () => JSON.parse(await readFile(settingsFile, "utf8")),
  };
}
