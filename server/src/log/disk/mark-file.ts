// Numbers in checksummed files: used slots and the pen's term. Overwritten in place, also on a full disk. docs/log.md.

import { crc32c } from "@hustings/wire/log/crc32c.ts";
import type { LaneFile } from "./lane-files.ts";

const NUMBER_BYTES = 12;

/** Slots below may have been used; 0: no whole mark. */
export async function readMark(file: LaneFile): Promise<number> {
  return numberAt(await file.read(0, NUMBER_BYTES), 0) ?? 0;
}

export async function writeMark(file: LaneFile, firstFreeSlot: number): Promise<void> {
  await file.write(bytesOf(firstFreeSlot), 0);
}

export interface StoredTerm {
  readonly term: number;
  readonly isNew: boolean;
  /** 0 if the file has a whole copy of a term. */
  readonly damagedBytes: number;
}

/** Two copies: neither a torn write nor damage to one loses the term. */
export async function readTerm(file: LaneFile): Promise<StoredTerm> {
  const bytes = await file.read(0, 2 * NUMBER_BYTES);
  const terms = [0, NUMBER_BYTES].flatMap((at) => numberAt(bytes, at) ?? []);
  const damagedBytes = terms.length === 0 ? bytes.length : 0;
  return { term: Math.max(0, ...terms), isNew: bytes.length === 0, damagedBytes };
}

/** Resolves once the first copy is on the medium; the second follows. */
export async function writeTerm(file: LaneFile, term: number): Promise<void> {
  await file.write(bytesOf(term), 0);
  await file.sync();
  await file.write(bytesOf(term), NUMBER_BYTES);
}

function bytesOf(value: number): Uint8Array {
  const bytes = new Uint8Array(NUMBER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(value));
  view.setUint32(8, crc32c(bytes, 0, 8));
  return bytes;
}

function numberAt(bytes: Uint8Array, at: number): number | undefined {
  if (bytes.length < at + NUMBER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at);
  const value = Number(view.getBigUint64(0));
  return Number.isSafeInteger(value) && crc32c(bytes, at, at + 8) === view.getUint32(8) ? value : undefined;
}
