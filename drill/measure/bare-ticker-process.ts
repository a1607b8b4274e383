// The bare ticker's script: the stage's 20 ms ticker without work. Answers each number of ticks on its IPC channel with
// the lateness of the newest.

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
