// Owns people who listen in the tests of faults: a headless listener that keeps what it was handed and what it would have
// heard. Refuses to judge more than "each slot once, in order, none left out".

import assert from "node:assert/strict";
import { type HeadlessListener, startHeadlessListener } from "../../listener/headless/headless.ts";
import type { BreakReason } from "../../listener/session/slot-order.ts";
import { ROUTES } from "../../wire/routes.ts";
import { decoded } from "./decoded-sound.ts";
import type { CreatedSpace, RunningServer } from "./running-server.ts";
import { until } from "./until.ts";

export interface Written {
  readonly atSamples: number;
  readonly packets: readonly Uint8Array[];
  /** -1: local filler. */
  readonly slot: number;
}

export interface RecordingListener extends Disposable {
  readonly headless: HeadlessListener;
  /** Sound that was handed on, ascending. */
  readonly slots: ReadonlyMap<number, readonly Uint8Array[]>;
  readonly absences: readonly (readonly [from: number, to: number])[];
  readonly breaks: readonly (readonly [from: number, to: number, why: BreakReason])[];
  readonly written: readonly Written[];
  readonly seeks: readonly (readonly [fromSamples: number, toSamples: number])[];
  readonly lastSlot: number;
  /** Decoded sound of the slots from `slot` on, without filler. */
  heardFrom(slot: number): Promise<Float32Array>;
  /** The same of the slots before `slot`. */
  heardUntil(slot: number): Promise<Float32Array>;
  /** Gaps since the first seconds, milliseconds: a newcomer's buffer is thin where the space has just begun. */
  waitedMs(): number;
  /** Resolves when `count` more slots of sound have come. */
  hearsMore(count: number): Promise<void>;
}

const SETTLING_SLOTS = 10;

/** Starts listening; resolves when two seconds of sound have come. `doorUrl`: another way to the door. */
export async function startListening(
  server: RunningServer,
  { id }: CreatedSpace,
  doorUrl = server.doorUrl,
): Promise<RecordingListener> {
  const slots = new Map<number, readonly Uint8Array[]>();
  const absences: [number, number][] = [];
  const breaks: [number, number, BreakReason][] = [];
  const written: Written[] = [];
  const seeks: [number, number][] = [];
  const headless = startHeadlessListener({
    url: doorUrl.replace(/^http/, "ws") + ROUTES.listen(id),
    verify: true,
    sink: {
      sound: (slot, packets) => void slots.set(slot, packets),
      absent: (from, to) => void absences.push([from, to]),
      break: (from, to, why) => void breaks.push([from, to, why]),
    },
    onWrite: (atSamples, packets, slot) => void written.push({ atSamples, packets, slot }),
    onSeek: (from, to) => void seeks.push([from, to]),
  });
  let settledMs = 0;
  const listener: RecordingListener = {
    headless: headless,
    slots,
    absences,
    breaks,
    written,
    seeks,
    get lastSlot() {
      return Math.max(-1, ...[...slots.keys()].slice(-1));
    },
    heardFrom: (from) => decoded([...slots].filter(([slot]) => slot >= from).flatMap(([, packets]) => packets)),
    heardUntil: (to) => decoded([...slots].filter(([slot]) => slot < to).flatMap(([, packets]) => packets)),
    waitedMs() {
      const { gapMs, awayMs } = headless.stats();
      return gapMs + awayMs - settledMs;
    },
    async hearsMore(count) {
      const enough = slots.size + count;
      await until(`${count} more slots of sound`, () => slots.size >= enough);
    },
    [Symbol.dispose]: () => headless.stop(),
  };
  await until("the first sound", () => slots.size > 0);
  await listener.hearsMore(SETTLING_SLOTS);
  settledMs = listener.waitedMs();
  return listener;
}

/** Each slot came once and in order, and none that exists was left out. */
export function assertWhole(listener: RecordingListener, who: string): void {
  const { skippedSlots, badFrames } = listener.headless.stats();
  assert.deepEqual(listener.headless.faults, [], `${who}: order`);
  assert.deepEqual([skippedSlots, badFrames], [0, 0], `${who}: skipped slots, bad frames`);
  assert.deepEqual(
    listener.breaks.filter(([, , why]) => why !== "gap"),
    [],
    `${who}: breaks`,
  );
}

/** A machine that is busy stands still for a moment; whoever lost the way waits for seconds. */
const MOMENT_MS = 1_000;

/** As `assertWhole`, on one connection, without a pause that a loaded machine could not explain. */
export function assertUndisturbed(listener: RecordingListener, who: string): void {
  assertWhole(listener, who);
  assert.equal(listener.headless.stats().connections, 1, `${who}: connections`);
  assert.ok(listener.waitedMs() < MOMENT_MS, `${who} waited ${listener.waitedMs()} ms`);
}
