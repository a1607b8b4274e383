import assert from "node:assert/strict";
import { test } from "node:test";
import { Refusal } from "@hustings/wire/errors.ts";
import { decodeFragment } from "@hustings/wire/log/fragment.ts";
import type { LogRecord } from "@hustings/wire/log/lanes.ts";
import { foldAll, type StateEntry } from "@hustings/wire/log/state.ts";
import { RENDITIONS } from "@hustings/wire/units.ts";
import type { LogReader } from "../../log/port.ts";
import { BAD_OFFER } from "../testing/fake-peers.ts";
import { silence, tone } from "../testing/microphones.ts";
import { type StageFixture, startStageFixture } from "../testing/stage-fixture.ts";
import type { Space } from "./space.ts";

/** Every record of the log, as a follower from the start gets it. */
async function recordsOf(log: LogReader): Promise<LogRecord[]> {
  const stop = new AbortController();
  setImmediate(() => stop.abort());
  const records: LogRecord[] = [];
  for await (const record of log.follow({ nextSlot: 0, stateSeq: 0, momentSeq: 0 }, stop.signal)) records.push(record);
  return records;
}

async function entriesOf(log: LogReader): Promise<StateEntry[]> {
  return (await recordsOf(log)).flatMap((record) => (record.lane === "state" ? [record.entry] : []));
}

async function goLive(stage: StageFixture, space: Space, host: Parameters<Space["execute"]>[0]): Promise<void> {
  const live = space.execute(host, { do: "live" });
  await stage.run(200);
  await live;
}

const refusedWith = (code: string) => (error: unknown) => error instanceof Refusal && error.code === code;

test("an offer seats the host, muted, who gets the state first and then every entry", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  const speaker = await stage.join(space, host, tone(stage.opus, 440));
  await stage.run(100);
  assert.deepEqual(
    space.state.seats.map(({ seat, role, muted, present }) => ({ seat, role, muted, present })),
    [{ seat: 0, role: "host", muted: true, present: true }],
  );
  const [first, ...rest] = speaker.messages;
  assert.ok(first?.kind === "snapshot");
  const entries = rest.flatMap((message) => (message.kind === "state" ? message.entries : []));
  assert.deepEqual(foldAll(entries, first.state), JSON.parse(JSON.stringify(space.state)));
});

test("a broken offer seats nobody", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  await assert.rejects(space.offer(host, BAD_OFFER), refusedWith("bad-sdp"));
  assert.equal(space.state.seats.length, 0);
});

test("refuses the offer of an uninvited person before making a peer", async () => {
  await using stage = await startStageFixture();
  const { space } = await stage.createSpace();
  await assert.rejects(space.offer(stage.newGuest(), "offer"), refusedWith("not-invited"));
  assert.equal(stage.peers.speakers.length, 0);
});

test("broadcasts nothing before going live, and from then on every slot once and in order", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  await stage.join(space, host, tone(stage.opus, 440));
  await stage.run(1_100);
  assert.deepEqual(space.log.heads().slot, {});
  await goLive(stage, space, host);
  await stage.run(3_000);
  const records = await recordsOf(space.log);
  for (const rendition of RENDITIONS) {
    const slots = records.flatMap((one) => (one.lane === "sound" && one.rendition === rendition ? [one.slot] : []));
    assert.equal(slots[0], space.state.liveSlot);
    assert.deepEqual(
      slots,
      slots.map((_, index) => (slots[0] as number) + index),
    );
    assert.ok(slots.length >= 14);
  }
  for (const record of records)
    if (record.lane === "sound") assert.equal(decodeFragment(record.bytes).slot, record.slot);
});

test("followers get the entries of a slot before its sound", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  await stage.join(space, host, tone(stage.opus, 440));
  await goLive(stage, space, host);
  for (let turn = 0; turn < 10; turn++) {
    await space.execute(host, { do: "mute", seat: 0, muted: turn % 2 === 1 });
    await stage.run(260);
  }
  let newest = -1;
  for (const record of await recordsOf(space.log)) {
    if (record.lane === "sound") newest = record.slot;
    else if (record.lane === "state")
      assert.ok(record.entry.slot > newest, `entry of ${record.entry.slot} after ${newest}`);
  }
});

test("answers a second live and a second end as the first, even at the same time, and changes nothing", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  await stage.join(space, host, silence(stage.opus));
  const lives = [space.execute(host, { do: "live" }), space.execute(host, { do: "live" })];
  await stage.run(400);
  await Promise.all([...lives, space.execute(host, { do: "live" })]);
  const ends = [space.execute(host, { do: "end" }), space.execute(host, { do: "end" })];
  await stage.run(400);
  const [first, second] = await Promise.all(ends);
  assert.deepEqual(first, second);
  assert.throws(() => stage.spaces.get(space.id), refusedWith("ended"));
  const kinds = (await entriesOf(space.log)).map(({ kind }) => kind);
  assert.equal(kinds.filter((kind) => kind === "live").length, 1);
  assert.equal(kinds.filter((kind) => kind === "ended").length, 1);
  assert.deepEqual(await stage.spaces.execute(space.id, host, { do: "end" }), first);
  const { newGuest, spaces } = stage;
  await assert.rejects(spaces.execute(space.id, newGuest(), { do: "end" }), refusedWith("ended"));
  await assert.rejects(spaces.execute(space.id, host, { do: "live" }), refusedWith("ended"));
});

test("a speaker who ends the space or leaves over their own call gets the answer before the goodbye", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  const page = await stage.join(space, host, silence(stage.opus));
  const { speaker } = await stage.seatGuest(space, host, silence(stage.opus));
  await goLive(stage, space, host);
  const lastWords = ({ messages }: typeof speaker) => messages.slice(-2).map(({ kind }) => kind);
  speaker.sendMessage({ kind: "command", id: 1, command: { do: "leave" } });
  await stage.run(40);
  assert.deepEqual(lastWords(speaker), ["done", "bye"]);
  page.sendMessage({ kind: "command", id: 2, command: { do: "end" } });
  await stage.run(600);
  assert.deepEqual(lastWords(page), ["done", "bye"]);
  await stage.run(600);
  assert.ok(speaker.isClosed && page.isClosed);
});

test("the end sends everyone a goodbye, and its entry follows the last slot", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  const speaker = await stage.join(space, host, tone(stage.opus, 440));
  await goLive(stage, space, host);
  await stage.run(1_050);
  const ended = space.execute(host, { do: "end" });
  await stage.run(600);
  await ended;
  assert.deepEqual(speaker.messages.at(-1), { kind: "bye", why: "ended" });
  await stage.run(600);
  assert.ok(speaker.isClosed);
  assert.equal(space.log.heads().slot["32"], (space.state.endedSlot as number) - 1);
  const records = await recordsOf(space.log);
  assert.ok(records.at(-1)?.lane === "state");
});

test("refuses the offer of a speaker who returns while the space ends, and leaves no call open", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  await stage.join(space, host, tone(stage.opus, 440));
  await goLive(stage, space, host);
  stage.peers.newest.crash();
  const ended = space.execute(host, { do: "end" });
  const again = assert.rejects(
    (async () => {
      await ended;
      await space.offer(host, "offer");
    })(),
    refusedWith("ended"),
  );
  await stage.run(400);
  await again;
  assert.ok(stage.peers.speakers.every(({ isClosed }) => isClosed));
});

test("a guest who raised a hand, was invited and accepted is seated, and is heard after unmuting", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  const page = await stage.join(space, host, silence(stage.opus));
  const { guest, speaker } = await stage.seatGuest(space, host, tone(stage.opus, 440), "Gwen");
  await stage.run(300);
  assert.deepEqual(
    space.state.seats.map(({ seat, name, muted }) => ({ seat, name, muted })),
    [
      { seat: 0, name: "Hanna", muted: true },
      { seat: 1, name: "Gwen", muted: true },
    ],
  );
  speaker.sendMessage({ kind: "command", id: 5, command: { do: "mute", seat: 1, muted: false } });
  await stage.run(400);
  assert.ok(speaker.messages.some((message) => message.kind === "done" && message.id === 5));
  const levels = page.messages.findLast((message) => message.kind === "levels");
  assert.equal(levels?.levels[0]?.seat, 1);
  await space.execute(guest, { do: "leave" });
  assert.deepEqual(speaker.messages.at(-1), { kind: "bye", why: "left" });
});

test("a host who leaves the stage remains the host and returns by a new offer", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  await stage.join(space, host, silence(stage.opus));
  await space.execute(host, { do: "leave" });
  assert.equal(space.state.seats.length, 0);
  await space.execute(host, { do: "title", title: "Still mine" });
  await stage.join(space, host, silence(stage.opus));
  assert.equal(space.state.seats[0]?.seat, 0);
});

test("hold music begins within two seconds after a page crashes, and the first word ends it", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  const speaker = await stage.join(space, host, tone(stage.opus, 440));
  await space.execute(host, { do: "mute", seat: 0, muted: false });
  await goLive(stage, space, host);
  await stage.run(2_000);
  assert.equal(space.state.air, "voice");
  const killedSlot = space.headSlot;
  speaker.crash();
  await stage.run(2_000);
  assert.deepEqual([space.state.air, space.state.holdReason], ["hold", "nobody-on-stage"]);
  const hold = (await entriesOf(space.log)).findLast(({ kind }) => kind === "air");
  assert.ok((hold?.slot as number) - killedSlot <= 10);
  const heads = space.log.heads().slot;
  assert.ok((heads["32"] as number) >= space.headSlot - 1, "sound goes on under the music");
  await stage.join(space, host, tone(stage.opus, 440));
  await stage.run(300);
  assert.equal(space.state.air, "voice");
});

test("hold music begins after twelve silent seconds, though a muted host is present", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  await stage.join(space, host, tone(stage.opus, 440));
  await stage.run(200);
  await goLive(stage, space, host);
  await stage.run(11_500);
  assert.equal(space.state.air, "voice");
  await stage.run(1_000);
  assert.deepEqual([space.state.air, space.state.holdReason], ["hold", "silence"]);
});

test("declares an absence for its own stall, keeps the sound before it, and marks nobody as not present", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  await stage.join(space, host, tone(stage.opus, 440));
  await goLive(stage, space, host);
  await stage.run(1_060);
  const before = space.log.heads().slot["32"] as number;
  stage.stall(3_000);
  await stage.run(1_000);
  assert.deepEqual(space.state.absences.length, 1);
  const { from, to } = space.state.absences[0] as { from: number; to: number };
  assert.equal(from, before + 2);
  const slots = (await recordsOf(space.log)).flatMap((one) =>
    one.lane === "sound" && one.rendition === "32" ? [one.slot] : [],
  );
  const all = [...slots, ...Array.from({ length: to - from }, (_, index) => from + index)].sort((a, b) => a - b);
  assert.deepEqual(
    all,
    all.map((_, index) => (all[0] as number) + index),
  );
  const presents = (await entriesOf(space.log)).filter(({ kind }) => kind === "present");
  assert.equal(presents.length, 1);
});

test("sends the number of listeners to seated people at most once a second, and only when it changes", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  const speaker = await stage.join(space, host, silence(stage.opus));
  for (let audience = 0; audience < 300; audience++) {
    stage.spaces.setAudience(space.id, audience);
    await stage.run(20);
  }
  await stage.run(3_000);
  const audiences = speaker.messages.flatMap((message) => (message.kind === "audience" ? [message.audience] : []));
  assert.ok(audiences.length <= 8, String(audiences));
  assert.equal(audiences.at(-1), 299);
});

test("limits the spaces, refuses an id twice, and expires a space that never went live and has nobody on its stage", async () => {
  await using stage = await startStageFixture({ maxSpaces: 2, expiryMs: 3_600_000 });
  const kept = await stage.createSpace();
  const { id } = await stage.createSpace();
  await assert.rejects(stage.createSpace(), refusedWith("too-many-spaces"));
  await stage.join(kept.space, kept.host, silence(stage.opus));
  stage.clock.setUtcMs(stage.clock.utcMs() + 3_700_000);
  await stage.run(100);
  await stage.spaces.expire();
  assert.throws(() => stage.spaces.get(id), refusedWith("no-space"));
  assert.equal(stage.spaces.get(kept.id).state.phase, "created");
  const { person, name } = kept.host;
  const again = stage.spaces.create({ id: kept.id, title: "T", host: { person, name }, secretHash: "h".repeat(43) });
  await assert.rejects(again, refusedWith("conflict"));
});

test("a live space ends after an hour with nobody on its stage, and six times as late while a crowd listens", async () => {
  await using stage = await startStageFixture({ dependencies: { emptyStageMs: 10_000 } });
  const [alone, crowded] = [await stage.createSpace(), await stage.createSpace()];
  const kept = await stage.createSpace();
  for (const { space, host } of [alone, crowded, kept]) {
    const speaker = await stage.join(space, host, silence(stage.opus));
    await goLive(stage, space, host);
    if (space !== kept.space) speaker.crash();
  }
  stage.spaces.setAudience(crowded.id, 10);
  await stage.run(9_000);
  assert.equal((await stage.spaces.find(alone.id)).state.phase, "live");
  await stage.run(8_000);
  const { phase, endReason } = (await stage.spaces.find(alone.id)).state;
  assert.deepEqual([phase, endReason], ["ended", "empty"]);
  assert.equal((await stage.spaces.find(crowded.id)).state.phase, "live");
  await stage.run(52_000);
  assert.equal((await stage.spaces.find(crowded.id)).state.endReason, "empty");
  assert.equal((await stage.spaces.find(kept.id)).state.phase, "live");
});

test("a host who comes back in time keeps the space", async () => {
  await using stage = await startStageFixture({ dependencies: { emptyStageMs: 10_000 } });
  const { space, host, id } = await stage.createSpace();
  const speaker = await stage.join(space, host, silence(stage.opus));
  await goLive(stage, space, host);
  speaker.crash();
  await stage.run(9_000);
  await stage.join(space, host, silence(stage.opus));
  await stage.run(15_000);
  assert.equal((await stage.spaces.find(id)).state.phase, "live");
});

test("the operator ends a space with its reason, and deletes it only once it is not live", async () => {
  await using stage = await startStageFixture();
  const { space, host, id } = await stage.createSpace();
  const speaker = await stage.join(space, host, tone(stage.opus, 440));
  await goLive(stage, space, host);
  await stage.run(1_000);
  await assert.rejects(stage.spaces.remove(id), refusedWith("conflict"));
  const ending = space.end("operator");
  await stage.run(1_000);
  await ending;
  assert.equal((await stage.spaces.find(id)).state.endReason, "operator");
  assert.deepEqual(speaker.messages.at(-1), { kind: "bye", why: "ended" });
  const [ended] = await stage.spaces.ended();
  assert.ok(ended?.id === id && ended.sizeBytes > 0);
  await stage.spaces.remove(id);
  await assert.rejects(stage.spaces.find(id), refusedWith("no-space"));
  assert.equal(await stage.store.open(id), undefined);
  await assert.rejects(stage.spaces.remove(id), refusedWith("no-space"));
});

test("a stall of the stage is one log line, however many spaces it holds", async () => {
  await using stage = await startStageFixture();
  for (let count = 0; count < 3; count++) await stage.createSpace();
  await stage.run(200);
  stage.stall(3_000);
  await stage.run(200);
  const lines = stage.logLines.filter((line) => line.startsWith("the stage missed ticks"));
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /"spaces":3/);
});

test("a stage whose processor is full takes no further voice, and every speaker back", async () => {
  let canMixMore = true;
  await using stage = await startStageFixture({ dependencies: { canMixMore: () => canMixMore } });
  const { space, host } = await stage.createSpace();
  await stage.join(space, host, silence(stage.opus));
  const { guest, speaker } = await stage.seatGuest(space, host, silence(stage.opus));
  const invited = stage.newGuest("Ida");
  await space.execute(invited, { do: "hand", up: true });
  await space.execute(host, { do: "invite", person: invited.person });
  canMixMore = false;
  await assert.rejects(space.execute(invited, { do: "accept" }), refusedWith("stage-busy"));
  await assert.rejects(space.offer(invited, "offer"), refusedWith("stage-busy"));
  speaker.crash();
  await stage.run(5_000);
  await stage.join(space, guest, silence(stage.opus));
  await space.execute(host, { do: "mute", seat: 0, muted: true });
  canMixMore = true;
  await space.offer(invited, "offer");
});

test("sends a speaker whose channel was full the state again, once it takes messages", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  const speaker = await stage.join(space, host, silence(stage.opus));
  await stage.run(1_000);
  const snapshots = () => speaker.messages.filter(({ kind }) => kind === "snapshot");
  assert.equal(snapshots().length, 1);
  speaker.isChannelFull = true;
  await space.execute(host, { do: "title", title: "Unheard" });
  await stage.run(2_000);
  assert.equal(snapshots().length, 1);
  speaker.isChannelFull = false;
  await stage.run(1_000);
  const last = snapshots().at(-1);
  assert.ok(snapshots().length === 2 && last?.kind === "snapshot");
  assert.deepEqual(last.state, JSON.parse(JSON.stringify(space.state)));
  await stage.run(2_000);
  assert.equal(snapshots().length, 2, "it misses nothing any more");
});
