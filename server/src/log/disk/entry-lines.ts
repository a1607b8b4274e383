// The bytes of entry lanes on disk: one line per entry, with its length and checksum. docs/log.md is normative.
//
//   8 hex digits  length of the JSON in bytes
//   a space
//   8 hex digits  CRC-32C of the JSON
//   a space, the JSON (UTF-8, without line breaks), a line feed
// Zero bytes may follow the last entry: room reserved for entries on a full disk.

import { crc32c } from "@hustings/wire/log/crc32c.ts";

export interface Entry {
  readonly seq: number;
  readonly slot: number;
  readonly utcMs: number;
  readonly kind: string;
}

export interface EntryScan {
  /** Every whole entry, `seq` ascending. */
  readonly entries: readonly Entry[];
  readonly endsAt: number;
  /** Bytes after the end, neither an entry nor reserved. */
  readonly tornBytes: number;
  /** Bytes between entries, from a damaged medium; passed over. */
  readonly damages: readonly { readonly at: number; readonly bytes: number }[];
}

export const MAX_ENTRY_BYTES = 64 * 1024;
const HEAD_BYTES = 18;
export const LINE_FEED = 10;
export const LINE_BYTES = HEAD_BYTES + 1;

/** Throws RangeError above `maxBytes` of JSON. */
export function encodeEntry(entry: Entry, maxBytes = MAX_ENTRY_BYTES): Buffer {
  const json = Buffer.from(JSON.stringify(entry));
  if (json.length > maxBytes) throw new RangeError(`The entry has ${json.length} bytes, more than ${maxBytes}.`);
  const head = Buffer.from(`${hex(json.length)} ${hex(crc32c(json))} `);
  return Buffer.concat([head, json, Buffer.of(LINE_FEED)]);
}

export function scanEntries(lane: Uint8Array): EntryScan {
  const bytes = Buffer.from(lane.buffer, lane.byteOffset, lane.byteLength);
  const entries: Entry[] = [];
  const damages: { at: number; bytes: number }[] = [];
  let endsAt = 0;
  for (let found = findEntry(bytes, 0, 0); found; found = findEntry(bytes, endsAt, entries.at(-1)?.seq ?? 0)) {
    if (found.at > endsAt) damages.push({ at: endsAt, bytes: found.at - endsAt });
    entries.push(found.entry);
    endsAt = found.endsAt;
  }
  let lastUsed = bytes.length;
  while (lastUsed > endsAt && bytes[lastUsed - 1] === 0) lastUsed--;
  return { entries, endsAt, tornBytes: lastUsed - endsAt, damages };
}

interface Found {
  readonly at: number;
  readonly endsAt: number;
  readonly entry: Entry;
}

function findEntry(bytes: Buffer, from: number, lastSeq: number): Found | undefined {
  for (let at = from; at + HEAD_BYTES < bytes.length; ) {
    const found = readEntry(bytes, at);
    if (found && found.entry.seq > lastSeq) return found;
    const lineFeed = bytes.indexOf(LINE_FEED, at);
    if (lineFeed < 0) return undefined;
    at = lineFeed + 1;
  }
  return undefined;
}

function readEntry(bytes: Buffer, at: number): Found | undefined {
  const head = /^([0-9a-f]{8}) ([0-9a-f]{8}) $/.exec(bytes.toString("latin1", at, at + HEAD_BYTES));
  if (!head) return undefined;
  const length = Number.parseInt(head[1] as string, 16);
  const jsonAt = at + HEAD_BYTES;
  const endsAt = jsonAt + length + 1;
  if (length > MAX_ENTRY_BYTES || endsAt > bytes.length) return undefined;
  if (crc32c(bytes, jsonAt, jsonAt + length) !== Number.parseInt(head[2] as string, 16)) return undefined;
  const entry = entryOf(bytes.toString("utf8", jsonAt, jsonAt + length));
  return entry && { at, endsAt, entry };
}

function entryOf(json: string): Entry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  const { seq, slot, utcMs, kind } = (value ?? {}) as Record<string, unknown>;
  if (!Number.isSafeInteger(seq) || !Number.isSafeInteger(slot)) return undefined;
  return typeof utcMs === "number" && typeof kind === "string" ? (value as Entry) : undefined;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}
