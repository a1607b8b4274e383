// Reads the hold music for HLS from the file that players fetch.

import { readPackets } from "@hustings/media/container/cmaf-reader.ts";
import type { HoldLoop } from "@hustings/media/hls/opus-parts.ts";
import type { Logger } from "../ops/logger.ts";

/** Without a readable file there are no packets, and HLS plays silence. */
export function readHoldLoop(file: Uint8Array | undefined, log: Logger): HoldLoop {
  try {
    return file ? readPackets(file) : [];
  } catch (cause) {
    log.warn({ cause }, "hold music unreadable; HLS plays silence instead");
    return [];
  }
}
