// A crowd that raises and lowers hands hundreds of times a second takes no sound from any listener: a stage's log, an edge
// and players by one manual clock.

import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { startHeadlessListener } from "@hustings/listener/headless/headless.ts";
import type { Transport } from "@hustings/listener/session/transport.ts";
import type { StateChange } from "@hustings/wire/log/state.ts";
import { SLOT_MS } from "@hustings/wire/units.ts";
import { EDGE_LIMITS } from "../../server/src/edge/edge-limits.ts";
import { type CadenceAdvice, cadenceRow, FASTEST } from "../../server/src/edge/load/cadence-table.ts";
import { Listener } from "../../server/src/edge/push/listener.ts";
import { createPushScheduler } from "../../server/src/edge/push/push-scheduler.ts";
import { createSharedFrames } from "../../server/src/edge/push/shared-frames.ts";
import { readListenRequest } from "../../server/src/edge/socket/listen-request.ts";
import type { ListenerPipe } from "../../server/src/edge/socket/listener-pipe.ts";
import { SILENT } from "../../server/src/ops/logger.ts";
import type { FollowedSpace } from "../../server/src/replica/followed-space.ts";
import { createFollowedSpaces } from "../../server/src/replica/followed-spaces.ts";
import { appendSlot, fakeStage, SPACE } from "../../server/src/replica/testing/fake-upstream.ts";

const URL_OF_EDGE = "ws://edge/listen/x";
const BEFORE_MS = 30_000;
const FLOOD_MS = 30_000;
const AFTER_MS = 20_000;
const ENTRIES_PER_SLOT = 80;

for (const cadenceMs of [200, 2_000, 8_000]) {
  test(`400 hands a second for 30 s cut nobody and make no gap at a cadence of ${cadenceMs} ms`, async () => {
    const clock = manualClock();
    const upstream = fakeStage(clock);
    const log = await upstream.create(SPACE);
    let slot = 0;

    async function speak(ms: number, eachSlot: () => void = () => undefined): Promise<void> {
      for (let atMs = 0; atMs < ms; atMs += SLOT_MS) {
        eachSlot();
        appendSlot(log, slot++);
        await new Promise(setImmediate);
        await clock.advanceAsync(SLOT_MS);
      }
    }

    await log.appendState(0, clock.utcMs(), { kind: "air", air: "voice" });
    await speak(BEFORE_MS);
    const scheduler = createPushScheduler(clock, SILENT);
    using spaces = createFollowedSpaces({
      upstream,
      clock,
      random: () => 0.5,
      limits: EDGE_LIMITS,
      log: SILENT,
      onSound: (followed) => scheduler.pushNow(followed),
      onChange: (followed) => scheduler.pushSoon(followed),
    });
    const followed = await spaces.follow(SPACE);
    using _kept = spaces.retain(followed);
    const advice: CadenceAdvice = { wanted: cadenceRow(cadenceMs), rendition: "32", recordUnsent: () => undefined };
    const edge = edgeOf({ clock, followed, scheduler, advice });
    const listeners = Array.from({ length: 5 }, () =>
      startHeadlessListener({ url: URL_OF_EDGE, clock, transport: edge.transport, random: () => 0.5 }),
    );
    await speak(BEFORE_MS);
    let number = 0;
    await speak(FLOOD_MS, () => {
      for (let n = 0; n < ENTRIES_PER_SLOT; n++) void log.appendState(slot, clock.utcMs(), hand(number++));
    });
    // At the fastest cadence every push has room for the entries themselves.
    if (cadenceMs > FASTEST.cadenceMs)
      assert.ok(edge.againCount() > listeners.length, "the state came again and again");
    await speak(AFTER_MS);
    assert.deepEqual(edge.closeCodes, []);
    for (const listener of listeners) {
      const { gaps, skippedSlots, jumps, connections, badFrames, link } = listener.stats();
      assert.deepEqual({ gaps, skippedSlots, jumps, connections, badFrames, link }, CALM);
      assert.deepEqual(plain(listener.state), plain(log.state()));
      listener.stop();
    }
    scheduler[Symbol.dispose]();
  });
}

const CALM = { gaps: 0, skippedSlots: 0, jumps: 0, connections: 1, badFrames: 0, link: "following" };

function hand(number: number): StateChange {
  const person = `g_${String(number % 150).padStart(16, "0")}`;
  return { kind: "hand", person, name: `Somebody ${number % 150}`, up: number % 3 > 0 } as StateChange;
}

interface EdgeParts {
  readonly clock: ReturnType<typeof manualClock>;
  readonly followed: FollowedSpace;
  readonly scheduler: ReturnType<typeof createPushScheduler>;
  readonly advice: CadenceAdvice;
}

/** The listeners of an edge without sockets: each frame arrives a millisecond later. */
function edgeOf({ clock, followed, scheduler, advice }: EdgeParts) {
  const frames = createSharedFrames(followed.replica, clock);
  const closeCodes: number[] = [];
  let againCount = 0;

  const transport: Transport = (url, events) => {
    let unsentBytes = 0;
    const arrive = (bytes: number, act: () => void) => {
      unsentBytes += bytes;
      clock.after(1, () => {
        unsentBytes -= bytes;
        act();
      });
    };
    const pipe: ListenerPipe = {
      get unsentBytes() {
        return unsentBytes;
      },
      write(frame, flushed) {
        const payload = payloadOf(frame);
        if (payload?.includes('"again":true')) againCount++;
        arrive(frame.length, () => {
          if (payload) events.frame(payload);
          flushed?.();
        });
      },
      hold: () => undefined,
      release: () => undefined,
      close(code, reason) {
        closeCodes.push(code);
        events.closed(code, reason);
      },
      terminate: () => events.closed(1006, ""),
    };
    let listener: Listener | undefined;
    clock.after(1, () => {
      const request = readListenRequest(new URL(url).searchParams);
      listener = new Listener({ pipe, followed, frames, scheduler, request, advice, nowMs: clock.monotonicMs() });
      scheduler.add(listener, listener.cadenceMs, followed);
    });
    return {
      send: (text) => listener?.receive(text, clock.monotonicMs(), clock.utcMs()),
      close() {
        listener?.connectionClosed();
        if (listener) scheduler.remove(listener);
      },
    };
  };
  return { transport, closeCodes, againCount: () => againCount };
}

/** The message in a WebSocket frame; `undefined` for a ping. */
function payloadOf(frame: Buffer): Buffer | undefined {
  const isPing = frame[0] === 0x89;
  const headBytes = (frame[1] as number) < 126 ? 2 : frame[1] === 126 ? 4 : 10;
  return isPing ? undefined : frame.subarray(headBytes);
}

// The content of a frame is JSON, which has no undefined fields.
function plain(state: object): unknown {
  return JSON.parse(JSON.stringify(state));
}
