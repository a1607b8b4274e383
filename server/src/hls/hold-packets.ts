// Reads the hold music for HLS from the file that players fetch.

import { readPackets } from "@hustings/media/container/cmaf-reader.ts";
import type { HoldLoop } from "@hustings/media/hls/opus-parts.ts";
import type { Logger } from "../ops/logger.ts";

/** The packets of the hold music. Without a readable file there are none, and HLS plays silence instead. */
export function readHoldLoop(file: Uint8Array | undefined, log: Logger): HoldLoop {
  try {
    return file ? readPackets(file) : [];
  } catch (cause) {
    log.warn({ cause }, "hold music unreadable; HLS plays silence instead");
    return [];
  }
}
