// The options with which a listener starts.

import type { FollowedSpace } from "../../replica/followed-space.ts";
import type { CadenceAdvice } from "../load/cadence-table.ts";
import type { ListenRequest } from "../socket/listen-request.ts";
import type { ListenerPipe } from "../socket/listener-pipe.ts";
import type { PushScheduler } from "./push-scheduler.ts";
import type { SharedFrames } from "./shared-frames.ts";

export interface ListenerStart {
  readonly pipe: ListenerPipe;
  readonly followed: FollowedSpace;
  readonly frames: SharedFrames;
  readonly scheduler: Pick<PushScheduler, "move">;
  readonly request: ListenRequest;
  readonly advice: CadenceAdvice;
  readonly nowMs: number;
}
