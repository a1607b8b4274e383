// Owns a process that does nothing but keep the stage's beat, with nothing to do on it: what is late here was late by the
// machine. Asked over IPC for its newest so many ticks, it answers how late they came.

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
