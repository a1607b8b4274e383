// The port through which an edge or packager asks a stage, over Unix sockets.

import type { Clock } from "@hustings/flow/clock.ts";
import type { MeasuredSpace } from "@hustings/wire/api/space-shape.ts";
import { Refusal, refusalFromBody } from "@hustings/wire/errors.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import type { Cursor } from "@hustings/wire/log/lanes.ts";
import { RENDITIONS } from "@hustings/wire/units.ts";
import { unixRequest } from "../http/unix-request.ts";
import { type FollowConnection, followSpace } from "../log/follow/follow-client.ts";

export interface Upstream {
  /** Throws a Refusal: `no-space`, or `stage-away`. */
  lookUp(space: SpaceId): Promise<MeasuredSpace & { readonly headSlot: number | null }>;
  /** Live ones first. Throws as `lookUp`. */
  list(): Promise<readonly MeasuredSpace[]>;
  /** As `followSpace`: never throws; failures come from the result. */
  follow(space: SpaceId, cursor: Cursor, signal: AbortSignal): FollowConnection;
  /** Moments above `momentSeq`, from the audience desk. Absent on a server without an audience desk. */
  readonly followMoments?: (space: SpaceId, momentSeq: number, signal: AbortSignal) => FollowConnection;
}

const ANSWER_MS = 5_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export interface UpstreamPaths {
  readonly stageSocketPath: string;
  readonly followPath: string;
  /** The audience desk's socket; absent: moments are not followed. */
  readonly momentsPath?: string;
}

export function stageUpstream({ stageSocketPath, followPath, momentsPath }: UpstreamPaths, clock: Clock): Upstream {
  return {
    lookUp: async (space) => (await getJson(stageSocketPath, `/internal/spaces/${space}`)) as never,
    list: async () => (await getJson(stageSocketPath, "/internal/spaces")) as never,
    follow: (space, cursor, signal) =>
      followSpace({ path: followPath, clock, space, cursor, renditions: RENDITIONS, signal }),
    ...(momentsPath === undefined ? {} : { followMoments: momentsFollower(momentsPath, clock) }),
  };
}

function momentsFollower(path: string, clock: Clock): NonNullable<Upstream["followMoments"]> {
  return (space, momentSeq, signal) =>
    followSpace({ path, clock, space, cursor: { nextSlot: 0, stateSeq: 0, momentSeq }, renditions: [], signal });
}

async function getJson(socketPath: string, path: string): Promise<unknown> {
  const away = (cause: unknown) => new Refusal("stage-away", undefined, { cause, retryAfterMs: 1_000 });
  try {
    const answer = await unixRequest({ socketPath, path, deadlineMs: ANSWER_MS, maxAnswerBytes: MAX_ANSWER_BYTES });
    const value: unknown = JSON.parse(answer.text);
    if (answer.status === 200) return value;
    throw refusalFromBody(value) ?? away(new Error(`the stage answered ${answer.status}`));
  } catch (cause) {
    throw cause instanceof Refusal ? cause : away(cause);
  }
}
