// The script of the bare ticker: the stage's 20 ms ticker without any work. On its IPC channel it receives a number of ticks
// and answers how late the newest of them were.

import { systemClock } from "@hustings/flow/clock.ts";
import { startTicker } from "@hustings/flow/ticker.ts";
import { PACKET_MS } from "@hustings/wire/units.ts";

const ticker = startTicker(
  systemClock,
  PACKET_MS,
  () => undefined,
  () => undefined,
);
process.on("message", (newest: number) => process.send?.(ticker.lateness(newest)));
process.on("SIGINT", () => undefined);
process.once("disconnect", () => process.exit(0));
