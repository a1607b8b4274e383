// Owns a process that appends entries as fast as it may, and sound at twice its pace, and tells what was acknowledged, until it is killed.

import { writeSync } from "node:fs";
import { systemClock } from "@hustings/flow/clock.ts";
import { SLOT_MS } from "@hustings/wire/units.ts";
import { createdChange, fragmentOf, SPACE, titleChange } from "./contract.ts";
import { openDiskStore } from "./disk.ts";

const store = await openDiskStore({ directory: process.argv[2] as string, clock: systemClock });
const log = await store.create(SPACE);
let slot = 0;
setInterval(() => {
  log.appendSound("32", slot, fragmentOf(slot));
  writeSync(1, `sound ${slot++}\n`);
}, SLOT_MS / 2);

for (let n = 0; ; n++) {
  const { seq } = await log.appendState(slot, 0, n === 0 ? createdChange() : titleChange(n));
  writeSync(1, `state ${seq}\n`);
}
