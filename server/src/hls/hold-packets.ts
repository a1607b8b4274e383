// Owns where an edge gets the hold music for HLS: out of the file that players fetch too. Refuses to make music.

import { readPackets } from "@hustings/media/container/cmaf-reader.ts";
import type { HoldLoop } from "@hustings/media/hls/opus-parts.ts";
import type { Logger } from "../ops/logger.ts";

/** The packets of the hold music; none, and silence instead, where the app was not built or its file is not ours. */
export function readHoldLoop(file: Uint8Array | undefined, log: Logger): HoldLoop {
  try {
    return file ? readPackets(file) : [];
  } catch (cause) {
    log.warn({ cause }, "the hold music cannot be read: HLS is silent in its place");
    return [];
  }
}
