import assert from "node:assert/strict";
import { test } from "node:test";
import { silence, tone } from "../testing/microphones.ts";
import { startStageFixture } from "../testing/stage-fixture.ts";

test("a speaker whose page crashes keeps the seat for sixty seconds, and no longer", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  const { speaker } = await stage.seatGuest(space, host, tone(stage.opus, 440));
  await stage.run(500);
  assert.equal(space.state.seats[0]?.present, true);
  speaker.crash();
  speaker.events.onState("disconnected");
  await stage.run(1_500);
  assert.equal(space.state.seats[0]?.present, false);
  await stage.run(28_500);
  speaker.events.onState("failed");
  await stage.run(28_500);
  assert.equal(space.state.seats.length, 1);
  await stage.run(2_500);
  assert.equal(space.state.seats.length, 0);
});

test("a speaker who sends no sound while silent stays present by RTCP, and is heard when sound comes again", async () => {
  await using stage = await startStageFixture({ dependencies: { seatKeptMs: 5_000 } });
  const { space, host } = await stage.createSpace();
  const { speaker } = await stage.seatGuest(space, host, tone(stage.opus, 440));
  await stage.run(500);
  const { microphone } = speaker;
  speaker.microphone = undefined;
  for (let report = 0; report < 8; report++) {
    await stage.run(2_500);
    speaker.events.onSign?.(stage.clock.monotonicMs());
    await stage.run(2_500);
  }
  assert.deepEqual([space.state.seats[0]?.seat, space.state.seats[0]?.present], [1, true]);
  speaker.microphone = microphone;
  await stage.run(300);
  assert.equal(space.state.seats[0]?.present, true);
  assert.equal(speaker.isClosed, false);
});

test("a silent speaker with ICE consent and without RTCP is away and keeps the seat", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  const { speaker } = await stage.seatGuest(space, host, tone(stage.opus, 440));
  await stage.run(500);
  speaker.microphone = undefined;
  speaker.events.onState("disconnected");
  await stage.run(120_000);
  assert.deepEqual([space.state.seats[0]?.seat, space.state.seats[0]?.present], [1, false]);
});

test("a speaker who returns within that time gets the same seat, muted or not as before", async () => {
  await using stage = await startStageFixture({ dependencies: { seatKeptMs: 5_000 } });
  const { space, host } = await stage.createSpace();
  const { guest, speaker } = await stage.seatGuest(space, host, tone(stage.opus, 440));
  await space.execute(guest, { do: "mute", seat: 1, muted: false });
  await stage.run(500);
  speaker.events.onState("failed");
  await stage.run(4_000);
  await stage.join(space, guest, tone(stage.opus, 440));
  await stage.run(300);
  const [seat] = space.state.seats;
  assert.deepEqual([seat?.seat, seat?.muted, seat?.present], [1, false, true]);
  await stage.run(7_000);
  assert.equal(space.state.seats.length, 1);
});

test("a person who accepts and never calls loses the seat after sixty seconds", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  const guest = stage.newGuest();
  await space.execute(guest, { do: "hand", up: true });
  await space.execute(host, { do: "invite", person: guest.person });
  await space.execute(guest, { do: "accept" });
  await stage.run(59_000);
  assert.equal(space.state.seats.length, 1);
  await stage.run(2_000);
  assert.equal(space.state.seats.length, 0);
});

test("the host's seat is kept until the space ends", async () => {
  await using stage = await startStageFixture({ dependencies: { seatKeptMs: 5_000 } });
  const { space, host } = await stage.createSpace();
  const speaker = await stage.join(space, host, tone(stage.opus, 440));
  await stage.run(500);
  speaker.events.onState("failed");
  await stage.run(60_000);
  assert.deepEqual([space.state.seats[0]?.person, space.state.seats[0]?.present], [host.person, false]);
});

test("a connected speaker without a microphone is not present and keeps the seat", async () => {
  await using stage = await startStageFixture({ dependencies: { seatKeptMs: 5_000 } });
  const { space, host } = await stage.createSpace();
  const { speaker } = await stage.seatGuest(space, host);
  await stage.run(8_000);
  assert.equal(space.state.seats[0]?.present, false);
  speaker.microphone = silence(stage.opus);
  await stage.run(300);
  assert.equal(space.state.seats[0]?.present, true);
});

test("a host's second tab replaces the first once its sound arrives, and the first gets a goodbye and is closed", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  const first = await stage.join(space, host, tone(stage.opus, 440));
  await stage.run(500);
  const second = await stage.join(space, host);
  await stage.run(500);
  assert.ok(!first.isClosed, "a tab without sound replaces nobody");
  assert.ok(second.messages.some(({ kind }) => kind === "snapshot"));
  second.microphone = tone(stage.opus, 880);
  await stage.run(300);
  assert.deepEqual(first.messages.at(-1), { kind: "bye", why: "replaced" });
  await stage.run(600);
  assert.ok(first.isClosed);
  assert.ok(!second.isClosed);
  assert.equal(space.state.seats.length, 1);
  assert.equal(space.state.seats[0]?.present, true);
});

test("a call from a new network replaces the old one within two seconds, and the speaker stays present", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  const first = await stage.join(space, host, tone(stage.opus, 440));
  await space.execute(host, { do: "mute", seat: 0, muted: false });
  await stage.run(1_000);
  first.crash();
  await stage.run(600);
  const second = await stage.join(space, host, tone(stage.opus, 440));
  await stage.run(300);
  assert.equal(first.messages.at(-1)?.kind === "bye", false);
  assert.equal(space.state.seats[0]?.present, true);
  const levels = second.messages.findLast((message) => message.kind === "levels");
  assert.equal(levels?.levels.length, 1);
  assert.ok(first.isClosed);
});

test("a third offer replaces a second whose sound never arrived", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  const first = await stage.join(space, host, tone(stage.opus, 440));
  const second = await stage.join(space, host);
  const third = await stage.join(space, host, tone(stage.opus, 440));
  await stage.run(1_000);
  assert.deepEqual(second.messages.at(-1), { kind: "bye", why: "replaced" });
  assert.deepEqual([first.isClosed, second.isClosed, third.isClosed], [true, true, false]);
});

test("a deleted call leaves the seat, as a dropped call does", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  const { speaker } = await stage.seatGuest(space, host, tone(stage.opus, 440));
  await stage.run(300);
  assert.equal(space.hangUp("call9999999999999999"), false);
  const [call] = stage.peers.speakers.filter((one) => one === speaker);
  assert.ok(call);
  assert.equal(space.hangUp("call0000000000000001"), true);
  await stage.run(200);
  assert.ok(speaker.isClosed);
  assert.deepEqual([space.state.seats.length, space.state.seats[0]?.present], [1, false]);
});

test("a host's mute silences a speaker within 100 ms", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  const page = await stage.join(space, host, silence(stage.opus));
  const { guest } = await stage.seatGuest(space, host, tone(stage.opus, 440));
  await space.execute(guest, { do: "mute", seat: 1, muted: false });
  await stage.run(1_000);
  using decoder = stage.opus.decoder();
  const powerOf = (opus: Uint8Array) => decoder.decode(opus).reduce((sum, sample) => sum + sample * sample, 0);
  assert.ok((page.received.map(({ opus }) => powerOf(opus)).at(-1) as number) > 1);
  const heardBefore = page.received.length;
  const muted = space.execute(host, { do: "mute", seat: 1, muted: true });
  await stage.run(100);
  await muted;
  const after = page.received.slice(heardBefore).map(({ opus }) => powerOf(opus));
  assert.ok((after.at(-1) as number) < 0.01, String(after));
});
