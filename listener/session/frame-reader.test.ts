import assert from "node:assert/strict";
import { test } from "node:test";
import { BadFrame, noticeFrame, snapshotFrame, soundFrame } from "@hustings/wire/listen/frames.ts";
import { encodeFragment } from "@hustings/wire/log/fragment-encode.ts";
import { EMPTY_STATE } from "@hustings/wire/log/state.ts";
import fc from "fast-check";
import { readFrame } from "./frame-reader.ts";

const packets = Array.from({ length: 10 }, (_, i) => Uint8Array.of(0xf8, i));
const fragmentOf = (slot: number) => encodeFragment({ slot, levels: [{ seat: 1, levelDbov: 30 }], packets });
const SNAPSHOT = { state: EMPTY_STATE, headSlot: 7, nextSlot: 7, rendition: "32", cadenceMs: 200 } as const;

test("reading slots only gives the same slots without packets and levels", () => {
  const frame = soundFrame("16", [fragmentOf(7), fragmentOf(8)]);
  const whole = readFrame(frame);
  const slots = readFrame(frame, "slots");
  assert.ok(whole?.kind === "sound" && slots?.kind === "sound");
  assert.deepEqual([whole.rendition, slots.rendition], ["16", "16"]);
  assert.deepEqual(
    whole.fragments.map(({ slot, packets, levels }) => [slot, packets.length, levels.length]),
    [
      [7, 10, 1],
      [8, 10, 1],
    ],
  );
  assert.deepEqual(
    slots.fragments,
    [7, 8].map((slot) => ({ slot, levels: [], packets: [] })),
  );
});

test("a fragment with a wrong checksum is a BadFrame when packets are read", () => {
  const frame = soundFrame("32", [fragmentOf(7)]);
  frame[frame.length - 1] = (frame.at(-1) as number) ^ 1;
  assert.throws(() => readFrame(frame), BadFrame);
  assert.doesNotThrow(() => readFrame(frame, "slots"));
});

test("rejects messages whose fields are missing or impossible", () => {
  const rest = { audience: 1, utcMs: 1 };
  for (const frame of [
    noticeFrame({ kind: "skipped", from: 9, to: 9 }),
    noticeFrame({ kind: "cadence", cadenceMs: 0 }),
    noticeFrame({ kind: "target", cadenceMs: 200, reserveMs: "8" } as never),
    noticeFrame({ kind: "pong", echo: 1 } as never),
    noticeFrame({ kind: "waiting", place: -1, estimateMs: null, sinceUtcMs: 1 }),
    noticeFrame({ kind: "waiting", place: 1, estimateMs: null, sinceUtcMs: 1, claim: "a&b=c" }),
    noticeFrame({ kind: "place", claim: "x".repeat(101) }),
    snapshotFrame({ ...SNAPSHOT, ...rest, cadenceMs: 0 }),
    snapshotFrame({ ...SNAPSHOT, ...rest, rendition: "64" } as never),
    snapshotFrame({ ...SNAPSHOT, ...rest, headSlot: -1 }),
    snapshotFrame({ ...SNAPSHOT, ...rest, state: { ...EMPTY_STATE, seats: [null] } } as never),
  ])
    assert.throws(() => readFrame(frame), BadFrame);
  assert.equal(readFrame(snapshotFrame({ ...SNAPSHOT, ...rest }))?.kind, "snapshot");
  assert.equal(readFrame(Uint8Array.of(250, 1, 2)), undefined, "unknown kinds are ignored");
});

test("any bytes are a message, of an unknown kind, or a BadFrame", () => {
  const reading = fc.constantFrom("packets" as const, "slots" as const);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.integer({ min: 0, max: 6 }), reading, (bytes, kind, how) => {
      try {
        readFrame(Uint8Array.of(kind, ...bytes), how);
      } catch (error) {
        assert.ok(error instanceof BadFrame, String(error));
      }
    }),
  );
});
