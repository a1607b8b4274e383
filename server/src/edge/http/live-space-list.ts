// The list of live spaces, read at most once a second; while the stage is away the last one is served.

import type { Clock } from "@hustings/flow/clock.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { type ListedSpace, listedSpacesOf } from "@hustings/wire/listen/room-document.ts";
import type { Upstream } from "../../replica/upstream.ts";

export interface LiveSpaceList {
  /** `undefined`: the stage must be asked. */
  current(): readonly ListedSpace[] | undefined;
  /** Throws `stage-away` if no list was ever read. */
  live(): Promise<readonly ListedSpace[]>;
}

const LIST_MS = 1_000;

/** Calls `listed` with every id that the stage has. */
export function createLiveSpaceList(upstream: Upstream, clock: Clock, listed: (ids: SpaceId[]) => void): LiveSpaceList {
  let spaces: readonly ListedSpace[] | undefined;
  let requestedMs = -LIST_MS;
  let request: Promise<void> | undefined;

  async function ask(): Promise<void> {
    requestedMs = clock.monotonicMs();
    const all = await upstream.list();
    listed(all.map(({ id }) => id));
    spaces = listedSpacesOf(all);
  }

  const isDue = () => clock.monotonicMs() - requestedMs >= LIST_MS;

  return {
    current: () => (request || isDue() ? undefined : spaces),
    async live() {
      if (isDue()) {
        request ??= ask().finally(() => {
          request = undefined;
        });
      }
      if (!spaces) await (request ?? ask());
      else await request?.catch(() => undefined);
      return spaces as readonly ListedSpace[];
    },
  };
}
