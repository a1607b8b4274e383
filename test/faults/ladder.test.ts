// Moves an audience through all cadences. The edge's scheduler, listeners and load watch and the player's session and
// buffer policy are connected without sockets, on one manual clock.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type HeadlessListener, startHeadlessListener } from "../../listener/headless/headless.ts";
import type { Transport } from "../../listener/session/transport.ts";
import { type CadenceSetting, type Meter, watchLoad } from "../../server/src/edge/load/load-watch.ts";
import { Listener } from "../../server/src/edge/push/listener.ts";
import { createPushScheduler } from "../../server/src/edge/push/push-scheduler.ts";
import { readListenRequest } from "../../server/src/edge/socket/listen-request.ts";
import { PING_FRAME } from "../../server/src/edge/socket/websocket-framing.ts";
import { createSpace } from "../../server/src/edge/testing/listener-fixture.ts";
import { SILENT } from "../../server/src/ops/logger.ts";

const WAY_MS = 20;
const LISTENERS = 300;
const CHECKED = 30;

function openLadder(
  setting: CadenceSetting,
  meter: Meter = { measure: () => ({ busy: 0, loopDelayMs: 0 }), stop() {} },
) {
  const space = createSpace(1_000);
  const { clock, followed, frames } = space;
  const scheduler = createPushScheduler(clock, SILENT);
  const cadences = watchLoad({ clock, listeners: scheduler, log: SILENT, setting, share: 1, meter });
  space.state({ kind: "anchor", anchorSlot: 1_000, anchorUtcMs: clock.utcMs() });
  space.state({ kind: "live" });
  space.state({ kind: "air", air: "voice" });
  const speak = (): void => {
    space.appendSlots();
    scheduler.pushNow(followed);
    clock.after(200, speak);
  };
  clock.after(200, speak);

  const transport: Transport = (url, events) => {
    let listener: Listener | undefined;
    const end = (code: number, reason: string): void => {
      if (listener) scheduler.remove(listener);
      clock.after(WAY_MS, () => events.closed(code, reason));
    };
    clock.after(WAY_MS, () => {
      const request = readListenRequest(new URL(url).searchParams);
      const pipe = {
        unsentBytes: 0,
        hold: () => undefined,
        release: () => undefined,
        write: (frame: Buffer) =>
          void (frame === PING_FRAME || clock.after(WAY_MS, () => events.frame(payloadOf(frame)))),
        close: end,
        terminate: () => end(1006, ""),
      };
      const nowMs = clock.monotonicMs();
      listener = new Listener({ pipe, followed, frames, scheduler, request, advice: cadences, nowMs });
      scheduler.add(listener, listener.cadenceMs, followed);
    });
    const hear = (text: string): void => listener?.receive(text, clock.monotonicMs(), clock.utcMs());
    const pongs = clock.after(25_000, function pong() {
      listener?.receiveControl(clock.monotonicMs());
      clock.after(25_000, pong);
    });
    return {
      send: (text) => void clock.after(WAY_MS, () => hear(text)),
      close() {
        pongs.cancel();
        listener?.connectionClosed();
        if (listener) scheduler.remove(listener);
      },
    };
  };

  const listen = (count: number): Heard[] =>
    Array.from({ length: count }, (_, i) => {
      clock.advance(7);
      const slots: number[] = [];
      const tap = { sound: (slot: number) => void slots.push(slot), absent() {}, break() {} };
      const checked = i < CHECKED ? { tap } : {};
      const url = "ws://edge/listen/x";
      return { listener: startHeadlessListener({ url, clock, random: () => 0.5, transport, ...checked }), slots };
    });
  return { space, clock, scheduler, cadences, listen };
}

function payloadOf(frame: Buffer): Uint8Array {
  const short = (frame[1] as number) & 127;
  return frame.subarray(short < 126 ? 2 : short === 126 ? 4 : 10);
}

interface Heard {
  readonly listener: HeadlessListener;
  /** The slots that were handed to the player; kept for the first few listeners only. */
  readonly slots: readonly number[];
}

function assertWhole(all: readonly Heard[]): void {
  for (const { listener, slots } of all) {
    const { gaps, skippedSlots, jumps, duplicates, connections } = listener.stats();
    assert.deepEqual([gaps, skippedSlots, jumps, duplicates, connections], [0, 0, 0, 0, 1]);
    const first = slots[0] ?? 0;
    assert.ok(slots.every((slot, i) => slot === first + i));
    if (slots.length > 0) assert.equal(first + slots.length, listener.session.order.next);
  }
}

test("300 listeners move from 0.2 to 1 to 4 s and back without a gap, and hear each slot once", () => {
  const { clock, cadences, scheduler, listen } = openLadder("auto");
  clock.advance(5_000);
  const listeners = listen(LISTENERS);
  clock.advance(10_000);
  assert.deepEqual(scheduler.sizes, [LISTENERS, 0, 0, 0, 0, 0]);
  const stages: [number, number][] = [
    [1_000, 70_000],
    [4_000, 130_000],
    [1_000, 20_000],
    [200, 60_000],
  ];
  for (const [cadenceMs, forMs] of stages) {
    assert.ok(cadences.set(cadenceMs));
    clock.advance(forMs);
    const { atCadence } = cadences.view();
    assert.equal(atCadence[[200, 400, 1_000, 2_000, 4_000, 8_000].indexOf(cadenceMs)], LISTENERS, `at ${cadenceMs}`);
    assertWhole(listeners);
  }
  cadences.set(4_000);
  const newcomers = listen(20);
  clock.advance(100);
  assert.equal(scheduler.sizes[4], 20, "newcomers begin at the cadence that the others are moving to");
  clock.advance(30_000);
  assertWhole([...listeners, ...newcomers]);
  for (const { listener } of [...listeners, ...newcomers]) listener.stop();
});

test("a busy edge moves its audience to a slower cadence, and back when it is idle, without a gap", () => {
  const load = { busy: 0.02 };
  const { clock, scheduler, listen } = openLadder("auto", {
    measure: () => ({ busy: load.busy, loopDelayMs: 0 }),
    stop() {},
  });
  clock.advance(5_000);
  const listeners = listen(40);
  clock.advance(30_000);
  load.busy = 0.9;
  clock.advance(40_000);
  load.busy = 0.5;
  clock.advance(60_000);
  assert.deepEqual(scheduler.sizes, [0, 0, 40, 0, 0, 0]);
  assertWhole(listeners);
  load.busy = 0.02;
  clock.advance(300_000);
  assert.deepEqual(scheduler.sizes, [40, 0, 0, 0, 0, 0]);
  assertWhole(listeners);
  for (const { listener } of listeners) listener.stop();
});
