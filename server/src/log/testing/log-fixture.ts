// A log's test data, and ways to read records, for the contract suites and other tests.

import type { PersonId, SpaceId } from "@hustings/wire/ids.ts";
import { encodeFragment } from "@hustings/wire/log/fragment-encode.ts";
import type { Cursor, LogRecord } from "@hustings/wire/log/lanes.ts";
import type { StateChange } from "@hustings/wire/log/state.ts";
import { RENDITIONS, type Rendition } from "@hustings/wire/units.ts";
import type { FollowedLanes, LogReader } from "../port.ts";

export const SPACE = "0123456789" as SpaceId;
export const OTHER_SPACE = "abcdefghjk" as SpaceId;
export const HOST = "0123456789ab" as PersonId;
export const START: Cursor = { nextSlot: 0, stateSeq: 0, momentSeq: 0 };

/** A fragment whose packets depend on slot and rendition, so that a test sees bytes in the wrong place. */
export function fragmentOf(slot: number, rendition: Rendition = "32", packetBytes = 8): Uint8Array<ArrayBuffer> {
  const packets = Array.from({ length: 10 }, (_, i) =>
    Uint8Array.from({ length: packetBytes }, (_, j) => (slot * 31 + Number(rendition) * 7 + i * 3 + j) & 255),
  );
  return encodeFragment({ slot, levels: [], packets });
}

export function createdChange(id: SpaceId = SPACE, originUtcMs = 1_000): StateChange {
  return { kind: "created", id, title: "A title", host: HOST, hostName: "Anna", originUtcMs };
}

export function titleChange(n: number, characters = 0): StateChange {
  return { kind: "title", title: `Title ${n}`.padEnd(characters) };
}

export type ReadingSide = Pick<LogReader, "follow" | "range">;

export function nameOf(record: LogRecord): string {
  if (record.lane === "sound") return `${record.rendition}/${record.slot}`;
  return `${record.lane} ${record.lane === "snapshot" ? record.state.seq : record.entry.seq}`;
}

/** The first `count` records from `cursor`. */
export async function take(
  side: Pick<FollowedLanes, "follow">,
  cursor: Cursor,
  count: number,
  renditions: readonly Rendition[] = RENDITIONS,
): Promise<LogRecord[]> {
  const stop = new AbortController();
  const records: LogRecord[] = [];
  for await (const record of side.follow(cursor, stop.signal, renditions)) {
    records.push(record);
    if (records.length >= count) stop.abort();
    if (records.length >= count) break;
  }
  return records;
}

/** All records, until the follow ends. */
export async function readAll(records: AsyncIterable<LogRecord>): Promise<LogRecord[]> {
  const all: LogRecord[] = [];
  for await (const record of records) all.push(record);
  return all;
}

export function collectFrom(follows: readonly AsyncIterable<LogRecord>[]): Promise<LogRecord[][]> {
  return Promise.all(follows.map(readAll));
}

/** Reads until the follow ends or throws. */
export async function readOn(records: AsyncIterator<LogRecord>): Promise<void> {
  for (;;) if ((await records.next()).done) return;
}
