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
async function startLiveSpace(stage: StageFixture) {
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
  ["after the clock went back thirty seconds", -30_000],
  ["after the clock went forward thirty seconds", 30_000],
] as const) {
  test(`a stage that restarts ${name} has the same people, mutes as before, and uses no slot twice`, async () => {
    await using stage = await startStageFixture();
    const { host, guest, id } = await startLiveSpace(stage);
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
    assert.ok((slot["32"] as number) > headBefore, "slots go on during hold music");
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
        assert.ok(!seen.has(missing), `slot ${missing} is declared and has sound`);
        seen.add(missing);
      }
    }
    const first = space.state.liveSlot as number;
    assert.equal(seen.size, Math.max(...seen) - first + 1, "every slot since going live has sound or is declared");
  });
}

test("the anchor of a new stage ties its slots to the clock at its start", async () => {
  await using stage = await startStageFixture();
  const { id } = await startLiveSpace(stage);
  stage.clock.setUtcMs(stage.clock.utcMs() + 7_000);
  await stage.restart();
  const { anchors } = stage.spaces.get(id).state;
  assert.equal(anchors.length, 2);
  assert.equal(anchors[1]?.utcMs, stage.clock.utcMs());
  assert.ok(Math.abs((anchors[1]?.slot as number) * SLOT_MS - (stage.clock.utcMs() - 1_800_000_000_000)) <= SLOT_MS);
});

test("a restart keeps removals and the newest host link", async () => {
  await using stage = await startStageFixture();
  const { host, guest, id } = await startLiveSpace(stage);
  await stage.spaces.get(id).execute(host, { do: "remove", seat: 1 });
  await stage.spaces.get(id).replaceHostSecret(host, "n".repeat(43));
  await stage.restart();
  const space = stage.spaces.get(id);
  await assert.rejects(space.offer(guest, "offer"), { code: "removed" });
  await assert.rejects(space.offer(host, "offer"), { code: "ticket-revoked" });
  assert.equal((await space.matchHostSecret("n".repeat(43))).generation, 2);
});

test("keeps a seat for sixty seconds from the restart", async () => {
  await using stage = await startStageFixture();
  const { id } = await startLiveSpace(stage);
  await stage.restart();
  await stage.run(59_000);
  assert.equal(stage.spaces.get(id).state.seats.length, 2);
  await stage.run(2_000);
  assert.equal(stage.spaces.get(id).state.seats.length, 1);
});

test("a space that ended stays ended after a restart, is still found, and its log can be followed", async () => {
  await using stage = await startStageFixture();
  const { host, id } = await startLiveSpace(stage);
  const ended = stage.spaces.get(id).execute(host, { do: "end" });
  await stage.run(400);
  await ended;
  await stage.restart();
  assert.throws(() => stage.spaces.get(id), { code: "ended" });
  assert.equal((await stage.spaces.find(id)).state.phase, "ended");
  assert.equal((await stage.spaces.reader(id))?.state().phase, "ended");
  assert.deepEqual(stage.spaces.list(), []);
});

test("lists live spaces first, then the newest", async () => {
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

/** A stage whose disk a test can fill. */
async function withFullDisk() {
  /** On a nearly full disk only ordinary entries are refused. */
  let isFull: boolean | "nearly" = false;
  const listeners: ((storing: boolean, cause?: Error) => void)[] = [];
  const memory = createMemoryStore();
  const refuse = () => Promise.reject(new Error("ENOSPC"));
  const store: LogStore = {
    ...memory,
    async create(id) {
      const log = await memory.create(id);
      return {
        ...log,
        appendState: (...entry) =>
          isFull === true || (isFull === "nearly" && entry[3] === "ordinary") ? refuse() : log.appendState(...entry),
        appendBackstage: (...entry) => (isFull === true ? refuse() : log.appendBackstage(...entry)),
        onStorage: (listener) => void listeners.push(listener),
      };
    },
  };
  const stage = await startStageFixture({ store: () => store });
  const { space, host } = await stage.createSpace();
  const reportStorage = (isStoring: boolean) => {
    for (const listener of listeners) listener(isStoring, isStoring ? undefined : new Error("ENOSPC"));
  };
  const fill = (full: boolean | "nearly") => {
    isFull = full;
    reportStorage(full === false);
  };
  return { stage, space, host, fill, reportStorage };
}

test("refuses the entries of guests first on a full disk, and still writes those of the host and the stage", async () => {
  const { stage, space, host, fill } = await withFullDisk();
  await using _stage = stage;
  await stage.join(space, host, tone(stage.opus, 440));
  const { guest } = await stage.seatGuest(space, host, tone(stage.opus, 660));
  await stage.run(200);
  const live = space.execute(host, { do: "live" });
  await stage.run(400);
  await live;
  fill("nearly");
  await assert.rejects(space.execute(stage.newGuest("Tom"), { do: "hand", up: true }), { code: "cannot-store" });
  await assert.rejects(space.execute(guest, { do: "mute", seat: 1, muted: false }), { code: "cannot-store" });
  await space.execute(host, { do: "mute", seat: 0, muted: false });
  await stage.run(100);
  assert.deepEqual([space.state.seats[0]?.muted, space.state.recording], [false, "failed"]);
  assert.equal(space.state.hands.length, 0);
});

test("with a full disk sound goes on, commands are refused, a mute still takes effect, and the state recovers", async () => {
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
    "the mixer silenced the guest",
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

test("the state says when sound cannot be stored, and when it is stored again", async () => {
  const { stage, space, host, reportStorage } = await withFullDisk();
  await using _stage = stage;
  await stage.join(space, host, tone(stage.opus, 440));
  const live = space.execute(host, { do: "live" });
  await stage.run(500);
  await live;
  reportStorage(false);
  await stage.run(100);
  assert.equal(space.state.recording, "failed");
  reportStorage(true);
  await stage.run(100);
  assert.equal(space.state.recording, "on");
});

test("refuses to go live when that cannot be written, and broadcasts nothing", async () => {
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

test("refuses to end when that cannot be written, and goes on without a missing slot", async () => {
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
