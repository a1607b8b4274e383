// The bare ticker's script. Answers a number of ticks on its IPC channel with the lateness of the newest ones.

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
