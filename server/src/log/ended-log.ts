// The log of a space that has ended, for followers: read from what is stored, without a pen.

import { peekFragment } from "@hustings/wire/log/fragment.ts";
import { KEPT_SLOTS, RENDITIONS } from "@hustings/wire/units.ts";
import type { LogReader, StoredLog } from "./port.ts";
import { checkRange, createRecentRecords } from "./recent-records.ts";

export interface EndedLog extends LogReader, AsyncDisposable {}

/** Sound that the last fragment of an older version may have beyond the end. */
const BEYOND_SLOTS = 10;

/** Reads the state and the last minute of sound for followers. Disposing of the result also disposes of `stored`. */
export async function readEndedLog(stored: StoredLog): Promise<EndedLog> {
  const recent = createRecentRecords();
  const state = stored.state();
  recent.addSnapshot(state);
  const endSlot = (state.endedSlot ?? 0) + BEYOND_SLOTS;
  for (const rendition of RENDITIONS)
    for (const bytes of await stored.range(rendition, Math.max(0, endSlot - KEPT_SLOTS), endSlot))
      recent.addSound(rendition, peekFragment(bytes).slot, bytes);
  const followers = recent.openFollowers();
  return {
    heads: recent.heads,
    state: recent.state,
    follow: followers.follow,
    async range(rendition, from, to) {
      checkRange(from, to);
      return stored.range(rendition, from, to);
    },
    async [Symbol.asyncDispose]() {
      followers.close();
      await stored[Symbol.asyncDispose]();
    },
  };
}
