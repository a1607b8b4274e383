// A headless listener for tests. It keeps the slots that its session handed on and the sound that a player would play.

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
  /** -1 for filler that the player made. */
  readonly slot: number;
}

export interface RecordingListener extends Disposable {
  readonly headless: HeadlessListener;
  /** Packets by slot, ascending. */
  readonly slots: ReadonlyMap<number, readonly Uint8Array[]>;
  readonly absences: readonly (readonly [from: number, to: number])[];
  readonly breaks: readonly (readonly [from: number, to: number, why: BreakReason])[];
  readonly written: readonly Written[];
  readonly seeks: readonly (readonly [fromSamples: number, toSamples: number])[];
  readonly lastSlot: number;
  /** The decoded sound of `slot` and later slots, without filler. */
  heardFrom(slot: number): Promise<Float32Array>;
  /** The decoded sound of the slots before `slot`, without filler. */
  heardUntil(slot: number): Promise<Float32Array>;
  /** Milliseconds of gaps since the first two seconds of sound, in which the buffer of a newcomer is still short. */
  waitedMs(): number;
  /** Resolves when `count` more slots have come. */
  hearsMore(count: number): Promise<void>;
}

const SETTLING_SLOTS = 10;

/** Starts to listen and resolves after two seconds of sound. `doorUrl` may be a proxy of the door. */
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

/** Asserts that each slot came once and in order, and that none was skipped. */
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

/** A busy machine stands still for less than this; a listener that lost its connection waits longer. */
const MOMENT_MS = 1_000;

/** Asserts what `assertWhole` does, and that there was one connection and less than a second of gaps. */
export function assertUndisturbed(listener: RecordingListener, who: string): void {
  assertWhole(listener, who);
  assert.equal(listener.headless.stats().connections, 1, `${who}: connections`);
  assert.ok(listener.waitedMs() < MOMENT_MS, `${who} waited ${listener.waitedMs()} ms`);
}
