// Owns the mark of a space: how far slots may have been handed out, kept ahead of them, so that none is used twice
// after a crash that lost the newest sound. Refuses to know sound.

import { crc32c } from "@hustings/wire/log/crc32c.ts";
import type { LaneFile } from "./lane-files.ts";

/** Slots that the mark runs ahead of the newest: 2 s. */
export const MARK_AHEAD_SLOTS = 10;
export const MARK_BYTES = 12;

/** Every slot below is perhaps used; 0 when there is no whole mark. */
export async function readMark(file: LaneFile): Promise<number> {
  const bytes = await file.read(0, MARK_BYTES);
  if (bytes.length < MARK_BYTES) return 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return crc32c(bytes, 0, 8) === view.getUint32(8) ? Number(view.getBigUint64(0)) : 0;
}

/** Overwrites in place, so that a full disk does not stop it. */
export async function writeMark(file: LaneFile, firstFreeSlot: number): Promise<void> {
  const bytes = new Uint8Array(MARK_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(firstFreeSlot));
  view.setUint32(8, crc32c(bytes, 0, 8));
  await file.write(bytes, 0);
}
