// A listener that is far behind in the state lane gets the state again, and goes on listening.

import assert from "node:assert/strict";
import { test } from "node:test";
import { SLOT_MS } from "@hustings/wire/units.ts";
import { cadenceRow, FASTEST } from "../load/cadence-table.ts";
import { assertWhole, createAdvice, createFarEnd, createSpace, type Space } from "../testing/listener-fixture.ts";

const FLOOD_MS = 30_000;
const ENTRIES_PER_SLOT = 80;

/** Hands of a hundred people, up and down. */
function raiseHands(space: Space, count: number): void {
  for (let n = 0; n < count; n++) {
    const number = (space.replica.state.seq + n) % 100;
    space.state({ kind: "hand", person: `g_${number}`, name: `Somebody ${number}`, up: n % 3 > 0 } as never);
  }
}

// The content of a frame is JSON, which has no undefined fields.
const plain = (state: object) => JSON.parse(JSON.stringify(state));

for (const cadenceMs of [200, 2_000, 8_000]) {
  test(`at ${cadenceMs} ms nobody is closed, skipped or stalled by 400 entries a second, and the state arrives`, () => {
    const advice = createAdvice();
    advice.wanted = cadenceRow(cadenceMs);
    const space = createSpace();
    space.appendSlots(60);
    const farEnd = createFarEnd(space, advice);
    farEnd.connect();
    farEnd.take();
    for (let atMs = 0; atMs < FLOOD_MS; atMs += SLOT_MS) {
      raiseHands(space, ENTRIES_PER_SLOT);
      space.appendSlots(1, 80);
      space.clock.advance(SLOT_MS);
      if ((atMs + SLOT_MS) % cadenceMs > 0) continue;
      farEnd.push();
      farEnd.take();
    }
    space.clock.advance(cadenceMs);
    farEnd.push();
    farEnd.take();
    assert.ok(farEnd.isConnected);
    assert.equal(farEnd.slots.at(-1), space.head);
    assert.deepEqual(farEnd.skipped, []);
    assertWhole(space, farEnd);
    assert.deepEqual(plain(farEnd.state), plain(space.replica.state));
    assert.ok(farEnd.kinds.filter((kind) => kind === "snapshot").length > 1, "the state is shorter than its entries");
  });
}

test("repeats what a player before 0.2 forgets with a snapshot: the target, and that the stage is away", () => {
  const advice = createAdvice();
  const space = createSpace();
  space.appendSlots(20);
  const farEnd = createFarEnd(space, advice);
  farEnd.connect();
  advice.wanted = cadenceRow(4_000);
  space.flags.isAway = true;
  farEnd.push();
  farEnd.take();
  raiseHands(space, 1_000);
  farEnd.push();
  farEnd.take();
  const kinds = (notices: typeof farEnd.notices) => notices.map(({ kind }) => kind).sort();
  assert.deepEqual(kinds(farEnd.notices), ["target", "target", "upstream", "upstream"]);
  assert.equal(farEnd.kinds.at(-3), "snapshot");
  advice.wanted = FASTEST;
  space.flags.isAway = false;
  farEnd.push();
  raiseHands(space, 1_000);
  farEnd.push();
  farEnd.take();
  assert.deepEqual(kinds(farEnd.notices.slice(4)), ["target", "upstream"], "there is nothing to repeat");
});

test("a few entries come as they are, even if the state is shorter", () => {
  const space = createSpace();
  space.appendSlots(5);
  const farEnd = createFarEnd(space);
  farEnd.connect();
  for (let n = 0; n < 60; n++) space.state({ kind: "title", title: "A title".repeat(20) });
  farEnd.push();
  farEnd.take();
  assert.equal(farEnd.kinds.at(-1), "state");
});
