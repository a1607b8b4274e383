// Tests a stage by its decoded sound: what speakers and listeners hear, dead air, doubled commands, and the recording.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { presence } from "../../media/measure/correlate.ts";
import { Refusal } from "../../wire/errors.ts";
import { ROUTES } from "../../wire/routes.ts";
import { end, inviteFakeSpeaker, post, spoken, startFakeSpeaker, startLiveSpace } from "../testing/fake-speaker.ts";
import { openLossyStageProxy } from "../testing/faulty-network.ts";
import { assertWhole, startListening } from "../testing/recording-listener.ts";
import { startServer } from "../testing/running-server.ts";
import { readRecording } from "../testing/stored-space.ts";
import { until } from "../testing/until.ts";

const server = await startServer();
test.after(() => server[Symbol.asyncDispose]());

/** More than half of a voice. */
const HEAR_SLOTS = 50;

test("a listener hears both speakers, and each speaker the other and not themselves", async (t) => {
  using live = await startLiveSpace(server, "Two voices");
  using ben = await inviteFakeSpeaker(server, live, "Ben", "ben");
  using listener = await startListening(server, live.space);
  const from = listener.lastSlot;
  await listener.hearsMore(HEAR_SLOTS);
  const [annaSaid, benSaid] = [await spoken("anna"), await spoken("ben")];
  const share = (heard: Float32Array, said: Float32Array) => presence(heard, said, { threshold: 0.4 }).found;
  const heard = await listener.heardFrom(from);
  const [atAnna, atBen] = [live.host.heard(), ben.heard()];
  const found = {
    listener: [share(heard, annaSaid), share(heard, benSaid)],
    anna: [share(atAnna, annaSaid), share(atAnna, benSaid)],
    ben: [share(atBen, annaSaid), share(atBen, benSaid)],
  };
  t.diagnostic(`share of Anna and of Ben: ${JSON.stringify(found)}`);
  for (const one of found.listener) assert.ok(one >= 0.5, "the listener hears both");
  assert.ok((found.anna[1] ?? 0) >= 0.5 && (found.anna[0] ?? 1) <= 0.2, "Anna hears only Ben");
  assert.ok((found.ben[0] ?? 0) >= 0.5 && (found.ben[1] ?? 1) <= 0.2, "Ben hears only Anna");
});

test("hold music is on air within two seconds after the only speaker left, and ends when a voice returns", async (t) => {
  using live = await startLiveSpace(server, "Dead air");
  using listener = await startListening(server, live.space);
  const { state } = listener.headless.session;
  assert.equal(state.air, "voice");
  const goneSlot = listener.headless.session.headSlot ?? 0;
  live.host[Symbol.dispose]();
  await until("hold music", () => listener.headless.state.air === "hold");
  const { holdReason } = listener.headless.state;
  const holdSlot = listener.headless.session.headSlot ?? 0;
  t.diagnostic(`hold after ${holdSlot - goneSlot} slots, because of ${holdReason}`);
  assert.equal(holdReason, "nobody-on-stage");
  assert.ok(holdSlot - goneSlot <= 10 + 2, `${holdSlot - goneSlot} slots until hold music`);
  await until("the ear to hold", () => listener.headless.stats().ear === "holding");
  using back = await startFakeSpeaker(server, live.space, { ticket: live.space.hostTicket, voice: "anna" });
  await until("the voice on air", () => listener.headless.state.air === "voice");
  await until("the ear to play", () => listener.headless.stats().ear === "playing");
  assert.equal(back.state.seats[0]?.muted, false);
  assertWhole(listener, "the listener");
  assert.equal(listener.headless.stats().connections, 1);
});

test("going live twice, a second tab of the host, and an end during a reconnect each have one outcome", async () => {
  using live = await startLiveSpace(server, "Twice");
  const { space, host } = live;
  using listener = await startListening(server, space);
  const goLive = () => post(server.doorUrl + ROUTES.live(space.id), {}, space.hostTicket);
  const { liveSlot } = listener.headless.state;
  const answers = await Promise.all([goLive(), goLive(), host.speaker.command({ do: "live" })]);
  assert.deepEqual([answers[0].status, answers[1].status, typeof answers[2]], [200, 200, "number"]);
  assert.equal(listener.headless.state.liveSlot, liveSlot, "live from one slot on");

  using tab = await startFakeSpeaker(server, space, { ticket: space.hostTicket, voice: "anna" });
  await until("the older tab to be replaced", () => host.ends.includes("replaced"));
  assert.deepEqual([tab.isSeated, host.isSeated, listener.headless.state.seats.length], [true, false, 1]);
  await listener.hearsMore(10);
  assert.equal(listener.headless.state.air, "voice");

  const coming = startFakeSpeaker(server, space, { ticket: space.hostTicket, voice: "anna" });
  const [reconnect] = await Promise.allSettled([coming, end(server, space)]);
  if (reconnect.status === "fulfilled") reconnect.value[Symbol.dispose]();
  else assert.ok(reconnect.reason instanceof Refusal || /ended|lost/.test(String(reconnect.reason)), reconnect.reason);
  await until("the listener to learn of the end", () => listener.headless.session.link === "ended");
  await assert.rejects(startFakeSpeaker(server, space, { ticket: space.hostTicket, voice: "anna" }), { code: "ended" });
  // A second end succeeds, and any other command is too late.
  await end(server, space);
  assert.equal((await goLive()).status, 410);
  assertWhole(listener, "the listener");
});

test("a recording grows while the space is live, answers ranges, is final after the end, and leaves out the green room", async (t) => {
  const space = await server.create("On the record");
  using host = await startFakeSpeaker(server, space, { ticket: space.hostTicket, voice: "ben" });
  await host.speaker.command({ do: "mute", seat: host.speaker.seat, muted: false });
  await pause(4_000);
  host[Symbol.dispose]();
  using speaker = await startFakeSpeaker(server, space, { ticket: space.hostTicket, voice: "anna" });
  await speaker.speaker.command({ do: "live" });
  using listener = await startListening(server, space);
  await until("a recording", async () => (await fetch(server.doorUrl + ROUTES.recording(space.id))).status === 200);
  const early = await readRecording(server, space);
  await listener.hearsMore(30);
  const later = await readRecording(server, space);
  assert.ok(later.packetCount > early.packetCount, `${early.packetCount}, then ${later.packetCount} packets`);
  await end(server, space);
  await until("the listener to learn of the end", () => listener.headless.state.phase === "ended");
  const { liveSlot = 0, endedSlot = 0 } = listener.headless.state;
  let whole = later;
  await until("every slot on air to be in the recording", async () => {
    whole = await readRecording(server, space);
    return whole.packetCount === (endedSlot - liveSlot) * 10;
  });
  t.diagnostic(`${endedSlot - liveSlot} slots on air, ${whole.packetCount} packets, ${whole.durationMs} ms decoded`);
  assert.ok(Math.abs(whole.durationMs - (endedSlot - liveSlot) * 200) <= 20, `${whole.durationMs} ms`);

  const url = server.doorUrl + ROUTES.recording(space.id);
  const part = await fetch(url, { headers: { range: "bytes=1000-1999" } });
  assert.equal(part.status, 206);
  assert.deepEqual(Buffer.from(await part.arrayBuffer()), Buffer.from(whole.bytes.subarray(1_000, 2_000)));
  assert.equal((await fetch(url, { headers: { range: "bytes=999999999-" } })).status, 416);
  // On a busy machine the speaker's packets come late; short pieces are still found between the breaks.
  const aired = presence(whole.pcm, await spoken("anna"), { pieceMs: 500 });
  const whispered = presence(whole.pcm, await spoken("ben"));
  t.diagnostic(
    `in the recording: ${aired.found.toFixed(2)} of what was on air, ${whispered.found.toFixed(2)} of the green room`,
  );
  assert.ok(aired.found >= 0.5 && whispered.found <= 0.1);
});

for (const [name, isLost, least] of [
  ["a tenth of the packets", (n: number) => (n * 7919) % 10 === 0, 0.6],
  ["bursts of three packets, a tenth in all", (n: number) => n % 30 < 3, 0.5],
] as const) {
  test(`listeners hear a voice that loses ${name} on its way to the stage`, async (t) => {
    const space = await server.create("Losses");
    await using proxy = await openLossyStageProxy(server.stageUrl + ROUTES.stage(space.id), isLost);
    using host = await startFakeSpeaker(server, space, {
      ticket: space.hostTicket,
      voice: "anna",
      whipUrl: proxy.whipUrl,
    });
    await host.speaker.command({ do: "live" });
    await host.speaker.command({ do: "mute", seat: host.speaker.seat, muted: false });
    using listener = await startListening(server, space);
    const from = listener.lastSlot;
    await listener.hearsMore(HEAR_SLOTS);
    const { passed, lost } = proxy.counts;
    const { found, meanScore } = presence(await listener.heardFrom(from), await spoken("anna"), { pieceMs: 500 });
    t.diagnostic(
      `${lost} of ${passed + lost} lost: ${(found * 100).toFixed(0)} % of the voice, likeness ${meanScore.toFixed(2)}`,
    );
    assert.ok(lost / (passed + lost) > 0.08 && passed > 400, `${lost} of ${passed + lost}`);
    assert.ok(found >= least, `${found} of the voice`);
    assertWhole(listener, "the listener");
  });
}
