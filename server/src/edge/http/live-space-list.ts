// Owns the list of live spaces that the door gives out: asked of the stage at most once a second, the last one served
// while it is away. Refuses to know who reads it.

import type { Clock } from "@hustings/flow/clock.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { type ListedSpace, listedSpacesOf } from "@hustings/wire/listen/room-document.ts";
import type { Upstream } from "../../replica/upstream.ts";

export interface SpaceList {
  /** What `live` would resolve to, where nobody needs to be asked for it. */
  atHand(): readonly ListedSpace[] | undefined;
  /** At most a second old, or older while the stage is away. Throws `stage-away` when there never was one. */
  live(): Promise<readonly ListedSpace[]>;
}

const LIST_MS = 1_000;

/** `listed` is told every id that the stage has. */
export function createSpaceList(upstream: Upstream, clock: Clock, listed: (ids: SpaceId[]) => void): SpaceList {
  let spaces: readonly ListedSpace[] | undefined;
  let askedMs = -LIST_MS;
  let asking: Promise<void> | undefined;

  async function ask(): Promise<void> {
    askedMs = clock.monotonicMs();
    const all = await upstream.list();
    listed(all.map(({ id }) => id));
    spaces = listedSpacesOf(all);
  }

  const isDue = () => clock.monotonicMs() - askedMs >= LIST_MS;

  return {
    atHand: () => (asking || isDue() ? undefined : spaces),
    async live() {
      if (isDue()) {
        asking ??= ask().finally(() => {
          asking = undefined;
        });
      }
      if (!spaces) await (asking ?? ask());
      else await asking?.catch(() => undefined);
      return spaces as readonly ListedSpace[];
    },
  };
}
