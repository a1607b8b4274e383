import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeFrame } from "@hustings/wire/listen/frames.ts";
import { FASTEST } from "../load/cadence-table.ts";
import { createSpace } from "../testing/listener-fixture.ts";

function slotsIn(frame: Buffer): number[] {
  const decoded = decodeFrame(frame.subarray((frame[1] as number) < 126 ? 2 : 4));
  return decoded?.kind === "sound" ? decoded.fragments.map(({ slot }) => slot) : [];
}

test("listeners of a dead edge that resume from forty slots share forty frames until the next slot", () => {
  const space = createSpace();
  space.appendSlots(60);
  const { frames } = space;
  const frames40 = Array.from({ length: 40 }, (_, i) => frames.sound("32", 20 + i));
  for (let again = 0; again < 50; again++)
    for (const [i, flight] of frames40.entries()) assert.equal(frames.sound("32", 20 + i), flight);
  for (const [i, { frame, to }] of frames40.entries()) {
    const slots = slotsIn(frame);
    assert.deepEqual([slots[0], slots.at(-1)], [20 + i, to - 1]);
  }
  space.appendSlots();
  assert.notEqual(frames.sound("32", 59), frames40[39]);
  assert.deepEqual(slotsIn(frames.sound("32", 59).frame), [59, 60]);
});

test("keeps a bounded number of frames, however many slots listeners resume from", () => {
  const space = createSpace();
  space.appendSlots(200, 200);
  const { frames } = space;
  const first = frames.sound("32", 0);
  for (let slot = 1; slot < 200; slot++) frames.sound("32", slot);
  assert.notEqual(frames.sound("32", 0), first, "made again");
  assert.deepEqual(frames.sound("32", 0).frame, first.frame);
});

test("a snapshot has the state of its moment, wherever its listener resumes", () => {
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
