import assert from "node:assert/strict";
import { test } from "node:test";
import type { PersonId } from "@hustings/wire/ids.ts";
import { SLOT_SAMPLES } from "@hustings/wire/units.ts";
import { levelsOf } from "../testing/fake-edge.ts";
import { listenTo, pass, until } from "../testing/pull-fixture.ts";

test("U2 levels by pull equal those by push and move with the playhead", async () => {
  for (const isPlain of [false, true]) {
    const { clock, edge, origin, pushOrPull, listener, heard, room } = listenTo(({ origin }) => {
      origin.hasSegmentsOnly = isPlain;
    });
    let looks = 0;
    const looksRight = () => {
      const { playheadSamples } = listener;
      const now = [...heard.positions].find(([, at]) => at <= playheadSamples && playheadSamples < at + SLOT_SAMPLES);
      const isSound = now !== undefined && now[0] >= 0;
      assert.deepEqual(listener.levels(), isSound ? levelsOf(now[0]) : []);
      if (isSound) looks += 1;
    };
    await until(clock, () => listener.stats().firstSoundMs !== undefined, 1_000);
    for (let second = 0; second < 30; second++) {
      await pass(clock, 1_000);
      looksRight();
    }
    assert.deepEqual([pushOrPull.delivery, looks], ["pull", 30]);
    assert.ok(origin.requests.length > 5);
    pushOrPull.onRoom(room("push"));
    await until(clock, () => pushOrPull.delivery === "push", 20_000);
    await pass(clock, 5_000);
    looksRight();
    assert.deepEqual(heard.levels, heard.sounds.map(levelsOf));
    assert.deepEqual([listener.faults, edge.openCount], [[], 1]);
    listener.stop();
  }
});

test("U2 damaged levels are dropped and every word is heard", async () => {
  let count = 0;
  const { clock, listener, heard } = listenTo(({ origin }) => {
    origin.transform = (object) => {
      const at = Buffer.from(object).indexOf("urn:hustings:levels");
      assert.ok(at > 0);
      object.fill(0xff, at - 24 + count, at - 23 + count);
      count = (count + 5) % 50;
      return object;
    };
  });
  await pass(clock, 30_000);
  assert.deepEqual([listener.faults, listener.stats().skippedSlots, listener.stats().gaps], [[], 0, 0]);
  assert.ok(heard.sounds.length > 150 && heard.levels.some((levels) => levels.length === 0));
  listener.stop();
});

test("U2 people on the stage have the seat numbers that levels use", async () => {
  const { clock, edge, pushOrPull, listener, room } = listenTo();
  for (const seat of [0, 1, 2]) {
    const person = `p0000000000${seat}` as PersonId;
    edge.appendState({ kind: "seated", seat, person, name: `Speaker ${seat}`, role: "speaker" });
  }
  edge.appendState({ kind: "left", seat: 1, why: "stepped-down" });
  pushOrPull.onRoom(room("pull"));
  await pass(clock, 5_000);
  assert.deepEqual(
    listener.state.seats.map(({ seat, name }) => [seat, name]),
    [
      [0, "Speaker 0"],
      [2, "Speaker 2"],
    ],
  );
  listener.stop();
});
