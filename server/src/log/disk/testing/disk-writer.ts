// A process that appends entries as fast as it can, and sound at twice its pace, and prints what was acknowledged, until it
// is killed.

import { writeSync } from "node:fs";
import { systemClock } from "@hustings/flow/clock.ts";
import type { PersonId, SpaceId } from "@hustings/wire/ids.ts";
import { encodeFragment } from "@hustings/wire/log/fragment-encode.ts";
import type { StateChange } from "@hustings/wire/log/state.ts";
import { SLOT_MS } from "@hustings/wire/units.ts";
import { openDiskStore } from "../disk-store.ts";

const SPACE = "0123456789" as SpaceId;
const CREATED: StateChange = {
  kind: "created",
  id: SPACE,
  title: "A title",
  host: "0123456789ab" as PersonId,
  hostName: "Anna",
  originUtcMs: 1_000,
};
const packets = Array.from({ length: 10 }, () => Uint8Array.of(0xf8, 0xff, 0xfe));

async function writeUntilKilled(): Promise<void> {
  const store = await openDiskStore({ directory: process.argv[2] as string, clock: systemClock });
  const log = await store.create(SPACE);
  let slot = 0;
  setInterval(() => {
    log.appendSound("32", slot, encodeFragment({ slot, levels: [], packets }));
    writeSync(1, `sound ${slot++}\n`);
  }, SLOT_MS / 2);

  for (let n = 0; ; n++) {
    const { seq } = await log.appendState(slot, 0, n === 0 ? CREATED : { kind: "title", title: `Title ${n}` });
    writeSync(1, `state ${seq}\n`);
  }
}

await writeUntilKilled();
