// Owns where an edge gets the hold music for HLS: out of the file that players fetch too. Refuses to make music.

import { packetsIn } from "@hustings/media/cmaf-packets.ts";
import type { HoldLoop } from "@hustings/media/hls-sound.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import type { EdgeLog } from "./log.ts";
import type { Assets } from "./pages-assets.ts";

/** The packets of the hold music; none, and silence instead, where the app was not built or its file is not ours. */
export function holdLoopOf(assets: Assets, log: EdgeLog): HoldLoop {
  const file = assets.file(ROUTES.hold);
  try {
    return file ? packetsIn(file) : [];
  } catch (cause) {
    log.warn({ cause }, "the hold music cannot be read: HLS is silent in its place");
    return [];
  }
}
