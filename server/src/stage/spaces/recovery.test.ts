import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogRecord } from "@hustings/wire/log/lanes.ts";
import { SLOT_MS } from "@hustings/wire/units.ts";
import { createMemoryStore } from "../../log/memory/memory-log.ts";
import type { LogStore, SpaceLog } from "../../log/port.ts";
import { silence, tone } from "../testing/microphones.ts";
import { type StageFixture, startStageFixture } from "../testing/stage-fixture.ts";

async function recordsOf(log: SpaceLog): Promise<LogRecord[]> {
  const stop = new AbortController();
  setImmediate(() => stop.abort());
  const records: LogRecord[] = [];
  for await (const record of log.follow({ nextSlot: 0, stateSeq: 0, momentSeq: 0 }, stop.signal)) records.push(record);
  return records;
}

/** A live space with an unmuted host and a guest whom the host has muted. */
async function evening(stage: StageFixture) {
  const { space, host, id } = await stage.createSpace();
  await stage.join(space, host, tone(stage.opus, 440));
  const { guest } = await stage.seatGuest(space, host, tone(stage.opus, 660));
  await space.execute(host, { do: "mute", seat: 0, muted: false });
  await space.execute(guest, { do: "mute", seat: 1, muted: false });
  await stage.run(200);
  const live = space.execute(host, { do: "live" });
  await stage.run(3_000);
  await live;
  await space.execute(host, { do: "mute", seat: 1, muted: true });
  return { host, guest, id };
}

for (const [name, clockMs] of [
  ["at once", 0],
  ["after the clock was set back thirty seconds", -30_000],
  ["after the clock was set on thirty seconds", 30_000],
] as const) {
  test(`a stage that starts again ${name} has the same people, as muted, and uses no slot twice`, async () => {
    await using stage = await startStageFixture();
    const { host, guest, id } = await evening(stage);
    const headBefore = stage.spaces.get(id).log.heads().slot["32"] as number;
    stage.clock.setUtcMs(stage.clock.utcMs() + clockMs);
    await stage.restart();
    const space = stage.spaces.get(id);
    assert.deepEqual(
      space.state.seats.map(({ person, muted, mutedBy, present }) => ({ person, muted, mutedBy, present })),
      [
        { person: host.person, muted: false, mutedBy: "self", present: false },
        { person: guest.person, muted: true, mutedBy: "host", present: false },
      ],
    );
    assert.deepEqual([space.state.phase, space.state.air, space.state.holdReason], ["live", "hold", "stage-back"]);
    await stage.run(2_000);
    const { slot } = space.log.heads();
    assert.ok((slot["32"] as number) > headBefore, "music needs no people: slots go on");
    await stage.join(space, host, tone(stage.opus, 440));
    await stage.join(space, guest, tone(stage.opus, 660));
    await stage.run(500);
    assert.equal(space.state.air, "voice");
    const seen = new Set<number>();
    for (const record of await recordsOf(space.log)) {
      if (record.lane !== "sound" || record.rendition !== "32") continue;
      assert.ok(!seen.has(record.slot));
      seen.add(record.slot);
    }
    for (const { from, to } of [...space.state.absences, ...space.state.gaps]) {
      for (let missing = from; missing < to; missing++) {
        assert.ok(!seen.has(missing), `slot ${missing} is declared and there`);
        seen.add(missing);
      }
    }
    const first = space.state.liveSlot as number;
    assert.equal(seen.size, Math.max(...seen) - first + 1, "every slot since going live is there or declared");
  });
}

test("the anchor of a new stage ties its slots to the clock of its start", async () => {
  await using stage = await startStageFixture();
  const { id } = await evening(stage);
  stage.clock.setUtcMs(stage.clock.utcMs() + 7_000);
  await stage.restart();
  const { anchors } = stage.spaces.get(id).state;
  assert.equal(anchors.length, 2);
  assert.equal(anchors[1]?.utcMs, stage.clock.utcMs());
  assert.ok(Math.abs((anchors[1]?.slot as number) * SLOT_MS - (stage.clock.utcMs() - 1_800_000_000_000)) <= SLOT_MS);
});

test("who was removed is still removed after a restart, and the newest host link is still the newest", async () => {
  await using stage = await startStageFixture();
  const { host, guest, id } = await evening(stage);
  await stage.spaces.get(id).execute(host, { do: "remove", seat: 1 });
  await stage.spaces.get(id).replaceHostSecret(host, "n".repeat(43));
  await stage.restart();
  const space = stage.spaces.get(id);
  await assert.rejects(space.offer(guest, "offer"), { code: "removed" });
  await assert.rejects(space.offer(host, "offer"), { code: "ticket-revoked" });
  assert.equal((await space.matchHostSecret("n".repeat(43))).generation, 2);
});

test("a seat is kept for sixty seconds from the restart", async () => {
  await using stage = await startStageFixture();
  const { id } = await evening(stage);
  await stage.restart();
  await stage.run(59_000);
  assert.equal(stage.spaces.get(id).state.seats.length, 2);
  await stage.run(2_000);
  assert.equal(stage.spaces.get(id).state.seats.length, 1);
});

test("a space that ended stays ended, is still found, and its log can be followed", async () => {
  await using stage = await startStageFixture();
  const { host, id } = await evening(stage);
  const ended = stage.spaces.get(id).execute(host, { do: "end" });
  await stage.run(400);
  await ended;
  await stage.restart();
  assert.throws(() => stage.spaces.get(id), { code: "ended" });
  assert.equal(stage.spaces.find(id).state.phase, "ended");
  assert.equal((await stage.spaces.reader(id))?.state().phase, "ended");
  assert.deepEqual(
    stage.spaces.list().map((space) => space.id),
    [id],
  );
});

test("live spaces are listed first, then the newest", async () => {
  await using stage = await startStageFixture();
  const ids: string[] = [];
  for (let index = 0; index < 3; index++) {
    const { id, space, host } = await stage.createSpace();
    ids.push(id);
    if (index === 0) {
      const live = space.execute(host, { do: "live" });
      await stage.run(300);
      await live;
    }
    await stage.run(1_000);
  }
  assert.deepEqual(
    stage.spaces.list().map(({ id }) => id),
    [ids[0], ids[2], ids[1]],
  );
});

/** A disk that can be full. */
async function withFullDisk() {
  let isFull = false;
  const told: ((storing: boolean, cause?: Error) => void)[] = [];
  const memory = createMemoryStore();
  const refuse = () => Promise.reject(new Error("ENOSPC"));
  const store: LogStore = {
    ...memory,
    async create(id) {
      const log = await memory.create(id);
      return {
        ...log,
        appendState: (...entry) => (isFull ? refuse() : log.appendState(...entry)),
        appendBackstage: (...entry) => (isFull ? refuse() : log.appendBackstage(...entry)),
        onStorage: (listener) => void told.push(listener),
      };
    },
  };
  const stage = await startStageFixture({ store: () => store });
  const { space, host } = await stage.createSpace();
  const tellStorage = (isStoring: boolean) => {
    for (const listener of told) listener(isStoring, isStoring ? undefined : new Error("ENOSPC"));
  };
  const fill = (full: boolean) => {
    isFull = full;
    tellStorage(!full);
  };
  return { stage, space, host, fill, tellStorage };
}

test("with a full disk sound goes on, commands say so, a mute holds all the same, and the state tells as soon as it can", async () => {
  const { stage, space, host, fill } = await withFullDisk();
  await using _stage = stage;
  const page = await stage.join(space, host, silence(stage.opus));
  const { guest } = await stage.seatGuest(space, host, tone(stage.opus, 440));
  await space.execute(guest, { do: "mute", seat: 1, muted: false });
  await stage.run(200);
  const live = space.execute(host, { do: "live" });
  await stage.run(1_000);
  await live;
  assert.equal(space.state.recording, "on");
  const headBefore = space.log.heads().slot["32"] as number;
  fill(true);
  await assert.rejects(space.execute(host, { do: "mute", seat: 1, muted: true }), { code: "cannot-store" });
  await stage.run(2_000);
  assert.ok((space.log.heads().slot["32"] as number) >= headBefore + 9);
  assert.equal(space.state.seats[1]?.muted, false);
  using decoder = stage.opus.decoder();
  const heard = page.received.slice(-20).map(({ opus }) => decoder.decode(opus));
  assert.ok(
    heard.slice(10).every((pcm) => pcm.every((sample) => Math.abs(sample) < 0.001)),
    "muted at the mixer",
  );
  fill(false);
  stage.logLines.length = 0;
  await stage.run(1_500);
  assert.equal(space.state.recording, "on");
  await space.execute(guest, { do: "mute", seat: 1, muted: true });
  await space.execute(guest, { do: "mute", seat: 1, muted: false });
  await stage.run(400);
  assert.equal(space.state.seats[1]?.muted, false);
});

test("where only sound cannot be stored the state says that it is not recorded, and when it is again", async () => {
  const { stage, space, host, tellStorage } = await withFullDisk();
  await using _stage = stage;
  await stage.join(space, host, tone(stage.opus, 440));
  const live = space.execute(host, { do: "live" });
  await stage.run(500);
  await live;
  tellStorage(false);
  await stage.run(100);
  assert.equal(space.state.recording, "failed");
  tellStorage(true);
  await stage.run(100);
  assert.equal(space.state.recording, "on");
});

test("a live that cannot be written is refused, and nothing of it was ever heard", async () => {
  const { stage, space, host, fill } = await withFullDisk();
  await using _stage = stage;
  await stage.join(space, host, tone(stage.opus, 440));
  await stage.run(300);
  fill(true);
  await assert.rejects(space.execute(host, { do: "live" }), { code: "cannot-store" });
  await stage.run(1_000);
  assert.deepEqual(space.log.heads().slot, {});
  fill(false);
  const live = space.execute(host, { do: "live" });
  await stage.run(1_000);
  await live;
  assert.equal(space.state.phase, "live");
});

test("an end that cannot be written is refused, and the space goes on without a hole", async () => {
  const { stage, space, host, fill } = await withFullDisk();
  await using _stage = stage;
  await stage.join(space, host, tone(stage.opus, 440));
  const live = space.execute(host, { do: "live" });
  await stage.run(1_000);
  await live;
  fill(true);
  const ended = assert.rejects(space.execute(host, { do: "end" }), { code: "cannot-store" });
  await stage.run(1_000);
  await ended;
  fill(false);
  await stage.run(1_000);
  assert.equal(space.state.phase, "live");
  const slots = (await recordsOf(space.log)).flatMap((one) =>
    one.lane === "sound" && one.rendition === "16" ? [one.slot] : [],
  );
  assert.deepEqual(
    slots,
    slots.map((_, index) => (slots[0] as number) + index),
  );
});
