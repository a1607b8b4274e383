// Decodes and checks an edge's messages, also for the drill.

import {
  BadFrame,
  decodeFrame,
  type EdgeMessage,
  FRAME_KIND,
  type Notice,
  type Snapshot,
} from "@hustings/wire/listen/frames.ts";
import { checkMoments } from "@hustings/wire/listen/moments.ts";
import { BadFragment, type Fragment, peekFragment } from "@hustings/wire/log/fragment.ts";
import type { SpaceState, StateEntry } from "@hustings/wire/log/state.ts";
import type { SlotRange } from "@hustings/wire/slots.ts";
import { RENDITIONS } from "@hustings/wire/units.ts";

/** `packets` verifies checksums; `slots` reads slot numbers only, which costs much less. */
export type SoundReading = "packets" | "slots";

const SOUND_HEAD_BYTES = 2;
const NONE: readonly never[] = [];

/** `undefined`: an unknown kind. Throws BadFrame. */
export function readFrame(frame: Uint8Array, reading: SoundReading = "packets"): EdgeMessage | undefined {
  if (reading === "slots" && frame[0] === FRAME_KIND.sound) return readSlots(frame);
  const message = decodeFrame(frame);
  if (message?.kind === "snapshot") checkSnapshot(message.snapshot);
  else if (message?.kind === "state") message.entries.forEach(checkEntry);
  else if (message?.kind === "moments") checkMoments(message.entries);
  else if (message?.kind === "notice") checkNotice(message.notice);
  return message;
}

export function isRange({ from, to }: SlotRange): boolean {
  return isSlot(from) && isSlot(to) && from < to;
}

function readSlots(frame: Uint8Array): EdgeMessage {
  const rendition = RENDITIONS[frame[1] ?? -1];
  if (rendition === undefined) throw new BadFrame(`There is no rendition ${frame[1]}.`);
  const fragments: Fragment[] = [];
  for (let at = SOUND_HEAD_BYTES; at < frame.length; ) {
    const { slot, byteLength } = peekAt(frame, at);
    fragments.push({ slot, levels: NONE, packets: NONE });
    at += byteLength;
  }
  return { kind: "sound", rendition, fragments };
}

function peekAt(frame: Uint8Array, at: number): ReturnType<typeof peekFragment> {
  try {
    return peekFragment(frame, at);
  } catch (cause) {
    if (cause instanceof BadFragment) throw new BadFrame(cause.message, { cause });
    throw cause;
  }
}

function checkSnapshot(snapshot: Snapshot): void {
  const { state, headSlot, nextSlot, rendition, cadenceMs, reserveMs = 0, utcMs, audience } = snapshot;
  if (!RENDITIONS.includes(rendition)) throw new BadFrame(`There is no rendition ${rendition}.`);
  const numbers = [cadenceMs, reserveMs, utcMs, audience].every((value) => Number.isFinite(value));
  const slots = [headSlot, nextSlot].every((slot) => slot === null || isSlot(slot));
  if (!numbers || !slots || cadenceMs <= 0 || !isState(state))
    throw new BadFrame("The snapshot lacks a field or has one of the wrong type.");
}

const STATE_LISTS = ["seats", "hands", "invites", "anchors", "absences", "gaps"] as const;

function isState(state: SpaceState | null | undefined): boolean {
  if (typeof state !== "object" || state === null || !Number.isSafeInteger(state.seq)) return false;
  const lists = [...STATE_LISTS.map((name) => state[name]), state.airs ?? []];
  return lists.every((list) => Array.isArray(list) && list.every(isObject));
}

function checkEntry(entry: StateEntry): void {
  if (!isObject(entry) || !Number.isSafeInteger(entry.seq) || !isSlot(entry.slot) || typeof entry.kind !== "string")
    throw new BadFrame("A state entry lacks its seq, slot or kind.");
  if ((entry.kind === "absence" || entry.kind === "gap") && !isRange(entry))
    throw new BadFrame(`A state entry has slots ${entry.from} to ${entry.to}, which is not a range.`);
}

function checkNotice(notice: Notice): void {
  if (notice.kind === "skipped" && !isRange(notice))
    throw new BadFrame(`Slots ${notice.from} to ${notice.to} are not a range.`);
  if ((notice.kind === "cadence" || notice.kind === "target") && !(notice.cadenceMs > 0))
    throw new BadFrame(`A cadence of ${notice.cadenceMs} ms is not possible.`);
  if (notice.kind === "target" && !Number.isFinite(notice.reserveMs ?? 0))
    throw new BadFrame(`A reserve of ${notice.reserveMs} ms is not possible.`);
  if (notice.kind === "pong" && !(Number.isFinite(notice.utcMs) && Number.isFinite(notice.echo)))
    throw new BadFrame("A pong lacks utcMs or echo.");
  if (notice.kind === "waiting") checkWaiting(notice);
  if ((notice.kind === "place" || notice.kind === "waiting") && !isClaim(notice.claim))
    throw new BadFrame("A claim is not short text.");
}

// It goes into a URL as it is.
function isClaim(claim: unknown): boolean {
  return claim === undefined || (typeof claim === "string" && /^[\w.-]{1,100}$/.test(claim));
}

function checkWaiting({ place, estimateMs, sinceUtcMs }: Notice & { readonly kind: "waiting" }): void {
  const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
  if (!isCount(place) || !isCount(sinceUtcMs) || !(estimateMs === null || isCount(estimateMs)))
    throw new BadFrame("A waiting notice lacks place, estimateMs or sinceUtcMs.");
}

function isSlot(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0x100000000;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
