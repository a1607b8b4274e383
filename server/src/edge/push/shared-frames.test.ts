// Proves that what many listeners get is made once, and how much of it is kept.

import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeFrame } from "@hustings/wire/listen/frames.ts";
import { FASTEST } from "../load/cadence-table.ts";
import { createSpace } from "../testing/listener-fixture.ts";

function slotsIn(frame: Buffer): number[] {
  const decoded = decodeFrame(frame.subarray((frame[1] as number) < 126 ? 2 : 4));
  return decoded?.kind === "sound" ? decoded.fragments.map(({ slot }) => slot) : [];
}

test("listeners of a dead edge who come back from forty places share forty flights until the next slot", () => {
  const space = createSpace();
  space.appendSlots(60);
  const { frames } = space;
  const flights = Array.from({ length: 40 }, (_, i) => frames.sound("32", 20 + i));
  for (let again = 0; again < 50; again++)
    for (const [i, flight] of flights.entries()) assert.equal(frames.sound("32", 20 + i), flight);
  for (const [i, { frame, to }] of flights.entries()) {
    const slots = slotsIn(frame);
    assert.deepEqual([slots[0], slots.at(-1)], [20 + i, to - 1]);
  }
  space.appendSlots();
  assert.notEqual(frames.sound("32", 59), flights[39]);
  assert.deepEqual(slotsIn(frames.sound("32", 59).frame), [59, 60]);
});

test("however many places they come back from, a space keeps a bounded number of flights", () => {
  const space = createSpace();
  space.appendSlots(200, 200);
  const { frames } = space;
  const first = frames.sound("32", 0);
  for (let slot = 1; slot < 200; slot++) frames.sound("32", slot);
  assert.notEqual(frames.sound("32", 0), first, "made anew");
  assert.deepEqual(frames.sound("32", 0).frame, first.frame);
});

test("a snapshot says the state of its moment, wherever its listener goes on", () => {
  const space = createSpace();
  space.appendSlots(10);
  const { frames } = space;
  const stateIn = (frame: Buffer) => {
    const decoded = decodeFrame(frame.subarray((frame[1] as number) < 126 ? 2 : 4));
    assert.ok(decoded?.kind === "snapshot");
    return [decoded.snapshot.state.title, decoded.snapshot.nextSlot];
  };
  space.state({ kind: "title", title: "One “title”" });
  assert.deepEqual(stateIn(frames.snapshot("32", FASTEST, 3, 1)), ["One “title”", 3]);
  assert.deepEqual(stateIn(frames.snapshot("32", FASTEST, 4, 1)), ["One “title”", 4]);
  space.state({ kind: "title", title: "Another" });
  assert.deepEqual(stateIn(frames.snapshot("32", FASTEST, 4, 1)), ["Another", 4]);
});
