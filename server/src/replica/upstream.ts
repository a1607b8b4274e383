// Owns what an edge asks of a stage: the port that following needs, and its adapter over the stage's Unix sockets.
// Refuses to keep anything and to try again.

import { request } from "node:http";
import type { Clock } from "@hustings/flow/clock.ts";
import { Refusal, refusalFromBody } from "@hustings/wire/errors.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import type { SpaceWithAudience } from "@hustings/wire/listen/room-document.ts";
import type { Cursor } from "@hustings/wire/log/lanes.ts";
import { RENDITIONS } from "@hustings/wire/units.ts";
import { type FollowConnection, followSpace } from "../log/follow/follow-client.ts";

export interface Upstream {
  /** Throws a Refusal: `no-space`, or `stage-away` when there is no answer. */
  lookUp(space: SpaceId): Promise<SpaceWithAudience & { readonly headSlot: number | null }>;
  /** Every space, live ones first. Throws a Refusal as `lookUp`. */
  list(): Promise<readonly SpaceWithAudience[]>;
  /** As `followSpace` of the log's socket client: never throws itself. */
  follow(space: SpaceId, cursor: Cursor, signal: AbortSignal): FollowConnection;
}

const ANSWER_MS = 5_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export interface UpstreamPaths {
  readonly stageSocketPath: string;
  readonly followPath: string;
}

export function stageUpstream({ stageSocketPath, followPath }: UpstreamPaths, clock: Clock): Upstream {
  return {
    lookUp: async (space) => (await getJson(stageSocketPath, `/internal/spaces/${space}`)) as never,
    list: async () => (await getJson(stageSocketPath, "/internal/spaces")) as never,
    follow: (space, cursor, signal) =>
      followSpace({ path: followPath, clock, space, cursor, renditions: RENDITIONS, signal }),
  };
}

function getJson(socketPath: string, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => reject(new Refusal("stage-away", undefined, { cause, retryAfterMs: 1_000 }));
    const asked = request({ socketPath, path, timeout: ANSWER_MS, agent: false }, (answer) => {
      const bytes: Buffer[] = [];
      let length = 0;
      answer.on("data", (some: Buffer) => {
        length += some.length;
        if (length > MAX_ANSWER_BYTES) answer.destroy(new Error(`The stage answers with over ${length} bytes.`));
        bytes.push(some);
      });
      answer.on("error", fail);
      answer.on("end", () => {
        try {
          const value: unknown = JSON.parse(Buffer.concat(bytes).toString());
          if (answer.statusCode === 200) resolve(value);
          else
            reject(
              refusalFromBody(value) ??
                new Refusal("stage-away", "The stage answered with an error.", { retryAfterMs: 1_000 }),
            );
        } catch (cause) {
          fail(cause);
        }
      });
    });
    asked.on("timeout", () => asked.destroy(new Error("The stage took too long.")));
    asked.on("error", fail);
    asked.end();
  });
}
