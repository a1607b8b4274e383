import assert from "node:assert/strict";
import { test } from "node:test";
import { NEWCOMER_MOMENTS } from "@hustings/wire/listen/moments.ts";
import fc from "fast-check";
import { createFarEnd, createSpace } from "../testing/listener-fixture.ts";

test("sends moments in one write with the sound of a push, and behind it", () => {
  const space = createSpace();
  space.appendSlots(20);
  const farEnd = createFarEnd(space);
  farEnd.connect();
  farEnd.take();
  farEnd.push();
  const before = farEnd.writes;
  space.appendSlots();
  space.comment();
  space.comment();
  space.state({ kind: "title", title: "Another" });
  farEnd.push();
  assert.equal(farEnd.writes - before, 1);
  farEnd.take();
  assert.deepEqual(farEnd.kinds.slice(-3), ["state", "sound", "moments"]);
  assert.deepEqual(farEnd.moments, [1, 2]);
});

test("sends moments before there is any sound", () => {
  const space = createSpace();
  const farEnd = createFarEnd(space);
  farEnd.connect();
  farEnd.take();
  space.comment();
  farEnd.push();
  farEnd.take();
  assert.deepEqual(farEnd.moments, [1]);
});

test("gives a newcomer the last few moments, and a returning listener those after its cursor", () => {
  const space = createSpace();
  space.appendSlots(20);
  for (let i = 0; i < 100; i++) space.comment();
  const [newcomer, returning] = [createFarEnd(space), createFarEnd(space)];
  newcomer.connect();
  returning.connect({ rendition: "32", nextSlot: 18, stateSeq: undefined, momentSeq: 40 });
  for (const farEnd of [newcomer, returning]) {
    farEnd.take();
    farEnd.push();
    farEnd.take();
  }
  assert.deepEqual([newcomer.moments[0], newcomer.moments.length], [101 - NEWCOMER_MOMENTS, NEWCOMER_MOMENTS]);
  assert.deepEqual([returning.moments[0], returning.moments.length], [41, 60]);
});

test("gives a newcomer only the last few when moments come after it, all at once", () => {
  const space = createSpace();
  space.appendSlots(20);
  const farEnd = createFarEnd(space);
  farEnd.connect();
  farEnd.take();
  for (let i = 0; i < 100; i++) space.comment();
  farEnd.push();
  farEnd.take();
  assert.deepEqual([farEnd.moments[0], farEnd.moments.length], [101 - NEWCOMER_MOMENTS, NEWCOMER_MOMENTS]);
});

test("sends no moments to a listener that has not taken its sound, and then only the newest", () => {
  const space = createSpace();
  space.appendSlots(20);
  const farEnd = createFarEnd(space);
  farEnd.connect();
  farEnd.take();
  farEnd.push();
  for (let i = 0; i < 15; i++) {
    space.appendSlots();
    for (let n = 0; n < 20; n++) space.comment("x".repeat(500));
    space.clock.advance(200);
    farEnd.push();
  }
  const unsentBytes = farEnd.unsentBytes;
  farEnd.take();
  const late = farEnd.moments.length;
  assert.ok(late <= 20, `${late} moments left with the first sound`);
  farEnd.push();
  assert.ok(farEnd.unsentBytes <= 16 * 1024, `${farEnd.unsentBytes} bytes of moments`);
  farEnd.take();
  assert.ok(unsentBytes < 40_000);
  assert.equal(farEnd.moments.at(-1), 300);
  assert.ok(farEnd.moments.length - late > 5 && farEnd.moments.length < 60);
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
    const farEnd = createFarEnd(space);
    farEnd.connect();
    for (const what of steps) {
      if (what === "speak") space.appendSlots(2);
      if (what === "comment") space.comment();
      if (what === "take") farEnd.take(2);
      if (what === "disconnect") farEnd.disconnect();
      if (what === "connect" && !farEnd.isConnected) farEnd.connect(farEnd.resumeRequest());
      if (what !== "visit") continue;
      space.clock.advance(200);
      farEnd.push();
    }
    for (let i = 0; i < 40; i++) {
      if (!farEnd.isConnected) farEnd.connect(farEnd.resumeRequest());
      farEnd.take();
      space.clock.advance(200);
      farEnd.push();
    }
    farEnd.take();
    const first = farEnd.moments[0] ?? 1;
    const newest = space.replica.moments.newestSeq;
    assert.deepEqual(
      farEnd.moments,
      Array.from({ length: newest === 0 ? 0 : newest + 1 - first }, (_, i) => first + i),
    );
    assert.ok(farEnd.slots.every((slot, i) => i === 0 || slot > (farEnd.slots[i - 1] as number)));
  };
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), run), { numRuns: 200 });
});
