import assert from "node:assert/strict";
import { test } from "node:test";
import type { OpusDecoder } from "@hustings/media/codec/opus.ts";
import { packetHasFec } from "@hustings/media/container/opus-packet.ts";
import { decodeFragment } from "@hustings/wire/log/fragment.ts";
import { RENDITIONS, SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";
import type { FakeSpeaker } from "../testing/fake-peers.ts";
import { silence, tone } from "../testing/microphones.ts";
import { type StageFixture, startStageFixture } from "../testing/stage-fixture.ts";

/** Share of the power of `pcm` at `hz` (Goertzel). */
function shareAt(pcm: Float32Array, hz: number): number {
  const turn = 2 * Math.cos((2 * Math.PI * hz) / SAMPLE_RATE_HZ);
  let [last, before, power] = [0, 0, 0];
  for (const sample of pcm) {
    [last, before] = [sample + turn * last - before, last];
    power += sample * sample;
  }
  return (last * last + before * before - turn * last * before) / (power * pcm.length * 0.5 + 1e-12);
}

function decodeAll(decoder: OpusDecoder, packets: readonly Uint8Array[]): Float32Array {
  const frames = packets.map((packet) => decoder.decode(packet));
  const pcm = new Float32Array(frames.length * 960);
  for (const [index, frame] of frames.entries()) pcm.set(frame, index * 960);
  return pcm;
}

const HOST_HZ = 440;
const GUEST_HZ = 1_000;

async function twoSpeakers(stage: StageFixture) {
  const { space, host } = await stage.createSpace();
  const hostPage = await stage.join(space, host, tone(stage.opus, HOST_HZ));
  const { guest, speaker: guestPage } = await stage.seatGuest(space, host, tone(stage.opus, GUEST_HZ));
  await space.execute(host, { do: "mute", seat: 0, muted: false });
  await space.execute(guest, { do: "mute", seat: 1, muted: false });
  const live = space.execute(host, { do: "live" });
  await stage.run(3_000);
  await live;
  return { space, host, hostPage, guestPage };
}

test("listeners hear both speakers in both renditions, and each speaker hears only the other", async () => {
  await using stage = await startStageFixture();
  const { space, hostPage, guestPage } = await twoSpeakers(stage);
  const head = space.log.heads().slot["32"] as number;
  for (const rendition of RENDITIONS) {
    using decoder = stage.opus.decoder();
    const fragments = await space.log.range(rendition, head - 9, head + 1);
    const pcm = decodeAll(
      decoder,
      fragments.flatMap((bytes) => decodeFragment(bytes).packets),
    );
    for (const hz of [HOST_HZ, GUEST_HZ]) assert.ok(shareAt(pcm, hz) > 0.2, `${hz} Hz: ${shareAt(pcm, hz)}`);
  }
  const heardBy = (page: FakeSpeaker): Float32Array => {
    using decoder = stage.opus.decoder();
    return decodeAll(
      decoder,
      page.received.slice(-100).map(({ opus }) => opus),
    );
  };
  const [host, guest] = [heardBy(hostPage), heardBy(guestPage)];
  assert.ok(shareAt(host, GUEST_HZ) > 0.9 && shareAt(host, HOST_HZ) < 0.001);
  assert.ok(shareAt(guest, HOST_HZ) > 0.9 && shareAt(guest, GUEST_HZ) < 0.001);
});

test("the timestamps of a return count samples without a gap", async () => {
  await using stage = await startStageFixture();
  const { hostPage } = await twoSpeakers(stage);
  const stamps = hostPage.received.slice(20).map(({ timestamp }) => timestamp);
  assert.deepEqual(
    stamps,
    stamps.map((_, index) => (stamps[0] as number) + index * 960),
  );
});

test("all silent people get the same packets", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await twoSpeakers(stage);
  const { speaker: one } = await stage.seatGuest(space, host, silence(stage.opus), "Tom");
  const { speaker: other } = await stage.seatGuest(space, host, silence(stage.opus), "Una");
  await stage.run(500);
  const tail = (page: FakeSpeaker) => page.received.slice(-20).map(({ opus }) => opus);
  for (const [index, packet] of tail(one).entries()) assert.equal(packet, tail(other)[index]);
});

test("people hear each other in the green room, and nothing is broadcast", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  const page = await stage.join(space, host, silence(stage.opus));
  const { guest } = await stage.seatGuest(space, host, tone(stage.opus, GUEST_HZ));
  await space.execute(guest, { do: "mute", seat: 1, muted: false });
  await stage.run(1_000);
  using decoder = stage.opus.decoder();
  const packets = page.received.map(({ opus }) => opus);
  assert.ok(shareAt(decodeAll(decoder, packets).subarray(-19_200), GUEST_HZ) > 0.9);
  assert.deepEqual(space.log.heads().slot, {});
});

test("a speaker who reports loss gets packets with FEC, and without it when the loss ends", async () => {
  await using stage = await startStageFixture();
  const { hostPage } = await twoSpeakers(stage);
  const withFec = () => hostPage.received.slice(-25).filter(({ opus }) => packetHasFec(opus)).length;
  assert.equal(withFec(), 0);
  hostPage.events.onReport?.({ lossFraction: 0.2, jitterMs: 0 });
  await stage.run(1_000);
  assert.ok(withFec() >= 5, `${withFec()} of 25`);
  hostPage.events.onReport?.({ lossFraction: 0, jitterMs: 0 });
  await stage.run(1_000);
  assert.equal(withFec(), 0);
});
