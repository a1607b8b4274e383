import assert from "node:assert/strict";
import { test } from "node:test";
import { NEWCOMER_MOMENTS } from "@hustings/wire/listen/moments.ts";
import fc from "fast-check";
import { createEar, createSpace } from "../testing/listener-fixture.ts";

test("sends moments in one write with the sound of a push, and behind it", () => {
  const space = createSpace();
  space.appendSlots(20);
  const ear = createEar(space);
  ear.connect();
  ear.take();
  ear.push();
  const before = ear.writes;
  space.appendSlots();
  space.comment();
  space.comment();
  space.state({ kind: "title", title: "Another" });
  ear.push();
  assert.equal(ear.writes - before, 1);
  ear.take();
  assert.deepEqual(ear.kinds.slice(-3), ["state", "sound", "moments"]);
  assert.deepEqual(ear.moments, [1, 2]);
});

test("sends moments before there is any sound", () => {
  const space = createSpace();
  const ear = createEar(space);
  ear.connect();
  ear.take();
  space.comment();
  ear.push();
  ear.take();
  assert.deepEqual(ear.moments, [1]);
});

test("gives a newcomer the last few moments, and a returning listener those after its cursor", () => {
  const space = createSpace();
  space.appendSlots(20);
  for (let i = 0; i < 100; i++) space.comment();
  const [newcomer, returning] = [createEar(space), createEar(space)];
  newcomer.connect();
  returning.connect({ rendition: "32", nextSlot: 18, stateSeq: undefined, momentSeq: 40 });
  for (const ear of [newcomer, returning]) {
    ear.take();
    ear.push();
    ear.take();
  }
  assert.deepEqual([newcomer.moments[0], newcomer.moments.length], [101 - NEWCOMER_MOMENTS, NEWCOMER_MOMENTS]);
  assert.deepEqual([returning.moments[0], returning.moments.length], [41, 60]);
});

test("gives a newcomer only the last few when moments come after it, all at once", () => {
  const space = createSpace();
  space.appendSlots(20);
  const ear = createEar(space);
  ear.connect();
  ear.take();
  for (let i = 0; i < 100; i++) space.comment();
  ear.push();
  ear.take();
  assert.deepEqual([ear.moments[0], ear.moments.length], [101 - NEWCOMER_MOMENTS, NEWCOMER_MOMENTS]);
});

test("sends no moments to a listener that has not taken its sound, and then only the newest", () => {
  const space = createSpace();
  space.appendSlots(20);
  const ear = createEar(space);
  ear.connect();
  ear.take();
  ear.push();
  for (let i = 0; i < 15; i++) {
    space.appendSlots();
    for (let n = 0; n < 20; n++) space.comment("x".repeat(500));
    space.clock.advance(200);
    ear.push();
  }
  const unsentBytes = ear.unsentBytes;
  ear.take();
  const late = ear.moments.length;
  assert.ok(late <= 20, `${late} moments left with the first sound`);
  ear.push();
  assert.ok(ear.unsentBytes <= 16 * 1024, `${ear.unsentBytes} bytes of moments`);
  ear.take();
  assert.ok(unsentBytes < 40_000);
  assert.equal(ear.moments.at(-1), 300);
  assert.ok(ear.moments.length - late > 5 && ear.moments.length < 60);
});

test("shares the frame of the same moments between listeners", () => {
  const space = createSpace();
  for (let i = 0; i < 5; i++) space.comment();
  assert.equal(space.frames.moments(2, 10_000), space.frames.moments(2, 20_000));
});

const step = fc.constantFrom("speak", "comment", "visit", "take", "disconnect", "connect");

test("sends whole sound and each moment once and in order, for any stalls and breaks", () => {
  const run = (steps: string[]) => {
    const space = createSpace();
    const ear = createEar(space);
    ear.connect();
    for (const what of steps) {
      if (what === "speak") space.appendSlots(2);
      if (what === "comment") space.comment();
      if (what === "take") ear.take(2);
      if (what === "disconnect") ear.disconnect();
      if (what === "connect" && !ear.isConnected) ear.connect(ear.resumeRequest());
      if (what !== "visit") continue;
      space.clock.advance(200);
      ear.push();
    }
    for (let i = 0; i < 40; i++) {
      if (!ear.isConnected) ear.connect(ear.resumeRequest());
      ear.take();
      space.clock.advance(200);
      ear.push();
    }
    ear.take();
    const first = ear.moments[0] ?? 1;
    const newest = space.replica.moments.newestSeq;
    assert.deepEqual(
      ear.moments,
      Array.from({ length: newest === 0 ? 0 : newest + 1 - first }, (_, i) => first + i),
    );
    assert.ok(ear.slots.every((slot, i) => i === 0 || slot > (ear.slots[i - 1] as number)));
  };
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), run), { numRuns: 200 });
});
