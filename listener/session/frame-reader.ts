// Owns reading what an edge sent into things that the session may trust: a fragment's sum is checked, JSON has the
// fields that are used. Refuses to know what is done with them. Anything else throws, and the session reconnects.

import { BadFrame, decodeFrame, type Notice, type Snapshot } from "@hustings/wire/listen/frames.ts";
import { BadFragment, decodeFragment, type Fragment, peekFragment } from "@hustings/wire/log/fragment.ts";
import type { SpaceState, StateEntry } from "@hustings/wire/log/state.ts";
import type { SlotRange } from "@hustings/wire/slots.ts";
import { RENDITIONS, type Rendition } from "@hustings/wire/units.ts";

/** `packets` reads fragments whole and checks their sums; `slots` reads slot numbers alone, for a crowd in one process. */
export type SoundReading = "packets" | "slots";

export interface FrameReader {
  sound(fragments: readonly Fragment[], rendition: Rendition): void;
  snapshot(snapshot: Snapshot): void;
  state(entries: readonly StateEntry[]): void;
  notice(notice: Notice): void;
}

const SOUND = 1;
const SOUND_HEAD_BYTES = 2;
const NONE: readonly never[] = [];

/** Reads one frame into `reader`; kinds not known yet are passed over. Throws BadFrame or BadFragment. */
export function readFrame(frame: Uint8Array, reading: SoundReading, reader: FrameReader): void {
  if (frame[0] === SOUND) {
    const rendition = RENDITIONS[frame[1] ?? -1];
    if (rendition === undefined) throw new BadFrame(`There is no rendition ${frame[1]}.`);
    reader.sound(readSound(frame, reading), rendition);
    return;
  }
  const message = decodeFrame(frame);
  if (message?.kind === "snapshot") reader.snapshot(checkSnapshot(message.snapshot));
  else if (message?.kind === "state") reader.state(message.entries.map(checkEntry));
  else if (message?.kind === "notice") reader.notice(checkNotice(message.notice));
}

/** Whether a throw of `readFrame` is about the frame, and not our own bug. */
export function isFrameFault(error: unknown): boolean {
  return error instanceof BadFrame || error instanceof BadFragment;
}

export function isRange({ from, to }: SlotRange): boolean {
  return isSlot(from) && isSlot(to) && from < to;
}

function readSound(frame: Uint8Array, reading: SoundReading): readonly Fragment[] {
  const fragments: Fragment[] = [];
  for (let at = SOUND_HEAD_BYTES; at < frame.length; ) {
    if (reading === "packets") {
      const fragment = decodeFragment(frame, at);
      fragments.push(fragment);
      at += fragment.byteLength;
    } else {
      const { slot, byteLength } = peekFragment(frame, at);
      fragments.push({ slot, levels: NONE, packets: NONE });
      at += byteLength;
    }
  }
  return fragments;
}

function checkSnapshot(snapshot: Snapshot): Snapshot {
  const { state, headSlot, nextSlot, cadenceMs, reserveMs = 0, utcMs, audience } = snapshot;
  if (!RENDITIONS.includes(snapshot.rendition)) throw new BadFrame(`There is no rendition ${snapshot.rendition}.`);
  const numbers = [cadenceMs, reserveMs, utcMs, audience].every((value) => Number.isFinite(value));
  const slots = [headSlot, nextSlot].every((slot) => slot === null || isSlot(slot));
  if (!numbers || !slots || cadenceMs <= 0 || !isState(state)) throw new BadFrame("The snapshot is not one.");
  return snapshot;
}

const STATE_LISTS = ["seats", "hands", "invites", "anchors", "absences", "gaps"] as const;

function isState(state: SpaceState | null | undefined): boolean {
  if (typeof state !== "object" || state === null || !Number.isSafeInteger(state.seq)) return false;
  return STATE_LISTS.every((name) => Array.isArray(state[name]) && state[name].every(isObject));
}

function checkEntry(entry: StateEntry): StateEntry {
  if (!isObject(entry) || !Number.isSafeInteger(entry.seq) || !isSlot(entry.slot) || typeof entry.kind !== "string")
    throw new BadFrame("A state entry is not one.");
  if ((entry.kind === "absence" || entry.kind === "gap") && !isRange(entry))
    throw new BadFrame(`The range of a state entry is ${entry.from} to ${entry.to}.`);
  return entry;
}

function checkNotice(notice: Notice): Notice {
  if (notice.kind === "skipped" && !isRange(notice))
    throw new BadFrame(`Slots ${notice.from} to ${notice.to} are no range.`);
  if ((notice.kind === "cadence" || notice.kind === "target") && !(notice.cadenceMs > 0))
    throw new BadFrame(`A cadence of ${notice.cadenceMs} ms is not possible.`);
  if (notice.kind === "target" && !Number.isFinite(notice.reserveMs ?? 0))
    throw new BadFrame(`A reserve of ${notice.reserveMs} ms is not possible.`);
  if (notice.kind === "pong" && !(Number.isFinite(notice.utcMs) && Number.isFinite(notice.echo)))
    throw new BadFrame("A pong without its numbers.");
  if (notice.kind === "waiting") checkWaiting(notice);
  return notice;
}

function checkWaiting({ place, estimateMs, sinceUtcMs }: Notice & { readonly kind: "waiting" }): void {
  const isTime = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
  if (!isTime(place) || !isTime(sinceUtcMs) || !(estimateMs === null || isTime(estimateMs)))
    throw new BadFrame("A place in the line without its numbers.");
}

function isSlot(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0x100000000;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
