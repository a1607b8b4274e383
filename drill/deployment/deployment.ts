// The server under test: a local one (local-server.ts) or a deployment elsewhere.

import type { TickTimes } from "@hustings/flow/ticker.ts";
import { type DoorAddress, doorOf } from "./door-address.ts";

export type KillableRole = "edge" | "stage" | "api";

export interface Deployment extends AsyncDisposable {
  readonly doorUrl: string;
  /** Origin of the stage's own port; absent: it is reached through the door. */
  readonly stageUrl: string | undefined;
  readonly door: DoorAddress;
  readonly isLocal: boolean;
  /** 0: unknown. */
  readonly edges: number;
  pids(): Promise<ReadonlyMap<string, readonly number[]>>;
  /** Lateness of the stage's newest ticks, in milliseconds; `undefined` when the stage does not answer. */
  ticks(newest: number): Promise<TickTimes | undefined>;
  /** Sends SIGKILL to the stage, the api, or the edge with the most listeners. */
  kill(role: KillableRole): Promise<void>;
}

/** Throws if `target` is not an http or https address. */
export function remoteDeployment(target: string): Deployment {
  if (!URL.canParse(target) || !/^https?:$/.test(new URL(target).protocol))
    throw new Error(
      `--target must be the address of a public door, such as https://talk.example.org, not "${target.slice(0, 80)}".`,
    );
  const { origin } = new URL(target);
  return {
    doorUrl: origin,
    stageUrl: undefined,
    door: doorOf(origin),
    isLocal: false,
    edges: 0,
    pids: async () => new Map(),
    ticks: async () => undefined,
    kill: () => Promise.reject(new Error("A drill cannot kill processes of a deployment that it did not start.")),
    [Symbol.asyncDispose]: async () => undefined,
  };
}
