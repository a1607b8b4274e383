// The frames between a stage or an audience desk and its followers.
//
//   u32  length of what follows, big-endian; at least 1
//   u8   kind, then
//   up    1 hello     JSON {space, cursor, renditions}: the first frame of a connection, once
//         2 audience  JSON {audience, lagCounts}: how many listeners this follower serves now, and how far behind they are
//         3 range     JSON {id, rendition, from, to}
//   down 17 following JSON Heads: the first frame down, once the space is found
//        18 sound     u8 rendition (index into RENDITIONS), one fragment
//        19 state     JSON, one state entry
//        20 moments   JSON, one moment
//        21 audience  JSON {audience, lag}: the whole audience of the space
//        22 range     u32 id, whole fragments
//        23 error     JSON {error, message}: a row of the error table; the connection ends after it
//        24 snapshot  JSON, the folded state, in place of entries that a follower far behind has missed

import { type ErrorCode, isErrorCode } from "@hustings/wire/errors.ts";
import { isSpaceId, type SpaceId } from "@hustings/wire/ids.ts";
import { isLag, LAG_BUCKETS, type LagCounts } from "@hustings/wire/listen/lag-counts.ts";
import { BadFragment, checkFragment } from "@hustings/wire/log/fragment.ts";
import type { Cursor, Heads, MomentEntry } from "@hustings/wire/log/lanes.ts";
import type { SpaceState, StateEntry } from "@hustings/wire/log/state.ts";
import { RENDITIONS, type Rendition } from "@hustings/wire/units.ts";
import { type FollowedRecord, MAX_RANGE_SLOTS, type MeasuredAudience } from "../port.ts";

export const MAX_UP_BYTES = 4 * 1024;
/** 600 slots of the longest Opus packets have 7.7 MB. */
export const MAX_DOWN_BYTES = 8 * 1024 * 1024;
export const MAX_AUDIENCE = 100_000_000;

const UP = { hello: 1, audience: 2, range: 3 } as const;
const DOWN = {
  following: 17,
  sound: 18,
  state: 19,
  moments: 20,
  audience: 21,
  range: 22,
  error: 23,
  snapshot: 24,
} as const;

export type UpFrame =
  | {
      readonly kind: "hello";
      readonly space: SpaceId;
      readonly cursor: Cursor;
      readonly renditions: readonly Rendition[];
    }
  | { readonly kind: "audience"; readonly audience: number; readonly lagCounts?: LagCounts }
  | {
      readonly kind: "range";
      readonly id: number;
      readonly rendition: Rendition;
      readonly from: number;
      readonly to: number;
    };

export type DownFrame =
  | { readonly kind: "following"; readonly heads: Heads }
  | { readonly kind: "record"; readonly record: FollowedRecord }
  | { readonly kind: "range"; readonly id: number; readonly fragments: readonly Uint8Array[] }
  | { readonly kind: "error"; readonly error: ErrorCode; readonly message: string };

/** The other side broke the protocol: close the connection. */
export class BadFollowFrame extends Error {
  override readonly name = "BadFollowFrame";
}

export function encodeUp(frame: UpFrame): Buffer {
  const { kind, ...fields } = frame;
  return jsonFrame(UP[kind], fields);
}

export function encodeDown(frame: DownFrame): Buffer {
  switch (frame.kind) {
    case "following":
      return jsonFrame(DOWN.following, frame.heads);
    case "record":
      return encodeRecord(frame.record);
    case "range":
      return encodeRange(frame.id, frame.fragments);
    case "error":
      return jsonFrame(DOWN.error, { error: frame.error, message: frame.message });
  }
}

/** Decodes a follower's frame, without the length. Throws BadFollowFrame. */
export function decodeUp(frame: Uint8Array): UpFrame {
  const fields = objectOf(frame);
  switch (frame[0]) {
    case UP.hello:
      return helloOf(fields);
    case UP.audience:
      return { kind: "audience", audience: whole(fields, "audience", MAX_AUDIENCE), lagCounts: lagCountsOf(fields) };
    case UP.range:
      return rangeOf(fields);
    default:
      throw new BadFollowFrame(`No frame of kind ${frame[0]} goes up.`);
  }
}

/** Decodes a frame of a stage or desk, without the length. Throws BadFollowFrame. Fragments are checked views. */
export function decodeDown(frame: Uint8Array): DownFrame {
  switch (frame[0]) {
    case DOWN.following:
      return { kind: "following", heads: headsOf(objectOf(frame)) };
    case DOWN.sound:
      return { kind: "record", record: soundOf(frame) };
    case DOWN.state:
      return { kind: "record", record: { lane: "state", entry: entryOf(frame) as StateEntry } };
    case DOWN.snapshot:
      return { kind: "record", record: { lane: "snapshot", state: stateOf(frame) } };
    case DOWN.moments:
      return { kind: "record", record: { lane: "moments", entry: entryOf(frame) as MomentEntry } };
    case DOWN.audience:
      return { kind: "record", record: { lane: "audience", ...measuredOf(objectOf(frame)) } };
    case DOWN.range:
      return rangeAnswerOf(frame);
    case DOWN.error: {
      const { error, message } = objectOf(frame);
      if (!isErrorCode(error)) throw new BadFollowFrame(`"${String(error).slice(0, 40)}" is not an error code.`);
      return { kind: "error", error, message: String(message) };
    }
    default:
      throw new BadFollowFrame(`No frame of kind ${frame[0]} goes down.`);
  }
}

/**
 * Frames (kind and payload) may be views of the pieces given to `take`, which throws BadFollowFrame at a length above
 * `maxBytes`: at most one frame and one piece are held.
 */
export function frameCutter(maxBytes: number): { take(piece: Buffer): Buffer[] } {
  let pieces: Buffer[] = [];
  let heldBytes = 0;
  let neededBytes = 4;
  return {
    take(piece) {
      pieces.push(piece);
      heldBytes += piece.length;
      if (heldBytes < neededBytes) return [];
      const bytes = pieces.length === 1 ? piece : Buffer.concat(pieces);
      const frames: Buffer[] = [];
      let at = 0;
      neededBytes = 4;
      while (bytes.length - at >= 4) {
        const length = bytes.readUInt32BE(at);
        if (length < 1 || length > maxBytes)
          throw new BadFollowFrame(`A frame has 1 to ${maxBytes} bytes, not ${length}.`);
        neededBytes = 4 + length;
        if (bytes.length - at < neededBytes) break;
        frames.push(bytes.subarray(at + 4, at + neededBytes));
        at += neededBytes;
        neededBytes = 4;
      }
      pieces = at < bytes.length ? [bytes.subarray(at)] : [];
      heldBytes = bytes.length - at;
      return frames;
    },
  };
}

function encodeRecord(record: FollowedRecord): Buffer {
  switch (record.lane) {
    case "sound": {
      const frame = emptyFrame(DOWN.sound, 1 + record.bytes.length);
      frame[5] = RENDITIONS.indexOf(record.rendition);
      frame.set(record.bytes, 6);
      return frame;
    }
    case "state":
      return jsonFrame(DOWN.state, record.entry);
    case "snapshot":
      return jsonFrame(DOWN.snapshot, record.state);
    case "moments":
      return jsonFrame(DOWN.moments, record.entry);
    case "audience":
      return jsonFrame(DOWN.audience, { audience: record.audience, lag: record.lag });
  }
}

function encodeRange(id: number, fragments: readonly Uint8Array[]): Buffer {
  const frame = emptyFrame(
    DOWN.range,
    fragments.reduce((total, fragment) => total + fragment.length, 4),
  );
  frame.writeUInt32BE(id, 5);
  let at = 9;
  for (const fragment of fragments) {
    frame.set(fragment, at);
    at += fragment.length;
  }
  return frame;
}

function jsonFrame(kind: number, value: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(value));
  const frame = emptyFrame(kind, json.length);
  frame.set(json, 5);
  return frame;
}

function emptyFrame(kind: number, payloadBytes: number): Buffer {
  const frame = Buffer.alloc(5 + payloadBytes);
  frame.writeUInt32BE(1 + payloadBytes);
  frame[4] = kind;
  return frame;
}

function objectOf(frame: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(frame.subarray(1)));
  } catch (cause) {
    throw new BadFollowFrame("The frame is not JSON.", { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new BadFollowFrame("The frame's JSON is not an object.");
  return value as Record<string, unknown>;
}

function whole(fields: Record<string, unknown>, name: string, most = Number.MAX_SAFE_INTEGER): number {
  const value = fields[name];
  if (!Number.isSafeInteger(value) || (value as number) < 0 || (value as number) > most)
    throw new BadFollowFrame(`"${name}" must be a whole number from 0 to ${most}.`);
  return value as number;
}

function helloOf(fields: Record<string, unknown>): UpFrame {
  const { space, cursor, renditions } = fields;
  if (!isSpaceId(space)) throw new BadFollowFrame(`"space" must be a space id.`);
  if (typeof cursor !== "object" || cursor === null) throw new BadFollowFrame(`"cursor" must be an object.`);
  if (!Array.isArray(renditions) || renditions.length > RENDITIONS.length)
    throw new BadFollowFrame(`"renditions" must be a list of at most ${RENDITIONS.length}.`);
  const positions = cursor as Record<string, unknown>;
  return {
    kind: "hello",
    space,
    cursor: {
      nextSlot: whole(positions, "nextSlot"),
      stateSeq: whole(positions, "stateSeq"),
      momentSeq: whole(positions, "momentSeq"),
    },
    renditions: [...new Set(renditions.map(renditionOf))],
  };
}

/** Followers before 0.2 send none. */
function lagCountsOf({ lagCounts = [] }: Record<string, unknown>): LagCounts {
  if (!Array.isArray(lagCounts) || lagCounts.length > LAG_BUCKETS)
    throw new BadFollowFrame(`"lagCounts" must be a list of at most ${LAG_BUCKETS}.`);
  return lagCounts.map((_, i) => whole(lagCounts as unknown as Record<string, unknown>, String(i), MAX_AUDIENCE));
}

function measuredOf(fields: Record<string, unknown>): MeasuredAudience {
  const audience = whole(fields, "audience", MAX_AUDIENCE);
  const { medianMs, slowestMs } = (fields["lag"] ?? {}) as Record<string, unknown>;
  return isLag(medianMs) && isLag(slowestMs) ? { audience, lag: { medianMs, slowestMs } } : { audience };
}

function rangeOf(fields: Record<string, unknown>): UpFrame {
  const [id, from, to] = [whole(fields, "id", 0xffffffff), whole(fields, "from"), whole(fields, "to")];
  if (to < from || to - from > MAX_RANGE_SLOTS)
    throw new BadFollowFrame(`[${from}, ${to}) is not a range of at most ${MAX_RANGE_SLOTS} slots.`);
  return { kind: "range", id, rendition: renditionOf(fields["rendition"]), from, to };
}

function renditionOf(value: unknown): Rendition {
  const rendition = RENDITIONS.find((known) => known === value);
  if (!rendition) throw new BadFollowFrame(`There is no rendition ${String(value).slice(0, 40)}.`);
  return rendition;
}

function headsOf(fields: Record<string, unknown>): Heads {
  const slots = (fields["slot"] ?? {}) as Record<string, unknown>;
  const known = RENDITIONS.filter((rendition) => slots[rendition] !== undefined);
  return {
    slot: Object.fromEntries(known.map((rendition) => [rendition, whole(slots, rendition)])),
    stateSeq: whole(fields, "stateSeq"),
    momentSeq: whole(fields, "momentSeq"),
    backstageSeq: 0,
  };
}

function entryOf(frame: Uint8Array): unknown {
  const fields = objectOf(frame);
  whole(fields, "seq");
  whole(fields, "slot");
  if (typeof fields["kind"] !== "string" || typeof fields["utcMs"] !== "number")
    throw new BadFollowFrame("The frame is not an entry.");
  return fields;
}

function stateOf(frame: Uint8Array): SpaceState {
  const fields = objectOf(frame);
  whole(fields, "seq");
  const lists = ["seats", "hands", "invites", "anchors", "absences", "gaps", "airs"];
  if (typeof fields["phase"] !== "string" || !lists.every((name) => Array.isArray(fields[name])))
    throw new BadFollowFrame("The frame is not a folded state.");
  return fields as unknown as SpaceState;
}

function soundOf(frame: Uint8Array): FollowedRecord {
  const rendition = RENDITIONS[frame[1] ?? -1];
  if (!rendition) throw new BadFollowFrame(`There is no rendition ${frame[1]}.`);
  const { slot, byteLength } = checked(() => checkFragment(frame, 2));
  if (byteLength !== frame.length - 2) throw new BadFollowFrame(`Bytes follow the fragment of slot ${slot}.`);
  return { lane: "sound", rendition, slot, bytes: frame.subarray(2) };
}

function rangeAnswerOf(frame: Uint8Array): DownFrame {
  if (frame.length < 5) throw new BadFollowFrame("The range answer has no id.");
  const id = new DataView(frame.buffer, frame.byteOffset).getUint32(1);
  const fragments: Uint8Array[] = [];
  for (let at = 5; at < frame.length; ) {
    const { byteLength } = checked(() => checkFragment(frame, at));
    fragments.push(frame.subarray(at, at + byteLength));
    at += byteLength;
  }
  return { kind: "range", id, fragments };
}

function checked<T>(decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    if (cause instanceof BadFragment) throw new BadFollowFrame(cause.message, { cause });
    throw cause;
  }
}
