// The spaces that can be heard again, newest end first, in pages.

import { documentOf } from "@hustings/wire/api/document-fields.ts";
import { PAST_SPACE_FIELDS } from "@hustings/wire/api/space-shape.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { PAST_PAGE_SPACES, type PastSpace, type PastSpaceList } from "@hustings/wire/listen/room-document.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import type { LogArchive } from "../log/port.ts";

export interface PastSpaces {
  /** The page after the space `before`; absent: the first page. Throws `no-space` if `before` has not ended. */
  page(before?: SpaceId): Promise<PastSpaceList>;
}

export interface PastSpacesOptions {
  readonly archive: LogArchive;
  /** Unix time of the end, by space. */
  readonly ended: () => Promise<ReadonlyMap<SpaceId, number>>;
}

/** Spaces that are read for one page, because some have nothing to hear. */
const MAX_LOOKED_AT = 60;
/** Shorter ones have no recording. */
const MIN_DURATION_MS = 1_000;

export function createPastSpaces({ archive, ended }: PastSpacesOptions): PastSpaces {
  let turn: Promise<unknown> = Promise.resolve();

  /** `undefined`: it was deleted, or nothing can be heard of it. */
  async function pastSpace(id: SpaceId): Promise<PastSpace | undefined> {
    await using log = await archive.read(id);
    const state = log?.state();
    if (state?.phase !== "ended" || state.recording !== "on") return undefined;
    const space = documentOf(PAST_SPACE_FIELDS, { id, state, audience: 0 });
    return space.durationMs >= MIN_DURATION_MS ? space : undefined;
  }

  async function readPage(before: SpaceId | undefined): Promise<PastSpaceList> {
    const ids = [...(await ended())].sort(([, a], [, b]) => b - a).map(([id]) => id);
    const from = before === undefined ? 0 : ids.indexOf(before) + 1;
    if (before !== undefined && from === 0) throw new Refusal("no-space");
    const spaces: PastSpace[] = [];
    let next = from;
    while (next < ids.length && spaces.length < PAST_PAGE_SPACES && next - from < MAX_LOOKED_AT) {
      const space = await pastSpace(ids[next] as SpaceId);
      if (space !== undefined) spaces.push(space);
      next++;
    }
    return { spaces, next: next < ids.length ? ROUTES.pastBefore(ids[next - 1] as SpaceId) : null };
  }

  return {
    // One page at a time, because this process has other work.
    page(before) {
      const page = turn.then(() => readPage(before));
      turn = page.catch(() => undefined);
      return page;
    },
  };
}
