import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { noticeFrame, snapshotFrame, soundFrame } from "@hustings/wire/listen/frames.ts";
import { encodeFragment } from "@hustings/wire/log/fragment-encode.ts";
import { EMPTY_STATE } from "@hustings/wire/log/state.ts";
import { Listeners } from "./listeners.ts";
import type { ListenerSocketEvents } from "./sockets/listener-socket.ts";

const ANSWER = Buffer.from("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");

function start() {
  const clock = manualClock();
  const events: ListenerSocketEvents[] = [];
  let calls = 0;
  const listeners = new Listeners({
    capacity: 100,
    path: "/listen",
    rendition: "32",
    dial: (_i, _path, given) => {
      events.push(given);
      return { write() {}, pause() {}, resume() {}, descriptor: () => -1, end() {} };
    },
    read: () => -1,
    clock,
    random: () => 0.5,
    onWork: () => {
      calls += 1;
    },
  });
  return {
    clock,
    listeners,
    get calls() {
      return calls;
    },
    /** The newest connection receives this. */
    receive: (bytes: Buffer) => events.at(-1)?.bytes(bytes, bytes.length),
    lose: () => events.at(-1)?.over(),
  };
}

function framed(payload: Uint8Array): Buffer {
  const head = Buffer.alloc(payload.length < 126 ? 2 : 4);
  head[0] = 0x82;
  head[1] = payload.length < 126 ? payload.length : 126;
  if (payload.length >= 126) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}

function sound(from: number, to: number): Buffer {
  const fragments = Array.from({ length: to - from }, (_, n) => {
    const packets = Array.from({ length: 10 }, () => new Uint8Array(60));
    return encodeFragment({ slot: from + n, levels: [], packets });
  });
  return framed(soundFrame("32", fragments));
}

test("is quiet while few listeners follow, and reports work when sound starts or a connection is lost", () => {
  const generator = start();
  const { listeners, clock, receive } = generator;
  assert.equal(listeners.isQuiet, true);
  listeners.join();
  assert.equal(listeners.isQuiet, false, "connecting");
  receive(ANSWER);
  const position = {
    rendition: "32",
    cadenceMs: 200,
    headSlot: 9,
    nextSlot: 5,
    utcMs: clock.utcMs(),
    audience: 1,
  } as const;
  receive(framed(snapshotFrame({ ...position, state: { ...EMPTY_STATE, phase: "live" } } as never)));
  const before = generator.calls;
  receive(sound(5, 10));
  assert.ok(generator.calls > before, "playback is to start");
  assert.equal(listeners.isQuiet, false);
  listeners.step();
  assert.equal(listeners.isQuiet, true);
  for (let slot = 10; slot < 20; slot++) {
    clock.advance(200);
    receive(sound(slot, slot + 1));
    receive(framed(noticeFrame({ kind: "audience", audience: slot })));
  }
  assert.equal(listeners.isQuiet, true);
  listeners.step();
  assert.deepEqual([listeners.counts.missingSlots, listeners.counts.gaps], [0, 0]);
  const known = generator.calls;
  generator.lose();
  assert.ok(generator.calls > known, "it comes back later");
  assert.equal(listeners.isQuiet, false);
});
