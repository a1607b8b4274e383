import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "@hustings/flow/clock.ts";
import { startTicker } from "@hustings/flow/ticker.ts";
import { loadOpus } from "@hustings/media/codec/opus.ts";
import { isRedFault, parseRed } from "@hustings/media/speech/red.ts";
import { parseRtp } from "@hustings/media/speech/rtp.ts";
import { connectSpeaker, type Speaker, type SpeakerOptions } from "@hustings/speaker/node/whip-client.ts";
import { guestIdFrom, type PersonId, spaceIdFrom } from "@hustings/wire/ids.ts";
import { decodeFragment, type Fragment } from "@hustings/wire/log/fragment.ts";
import type { StageMessage } from "@hustings/wire/stage/data-channel.ts";
import { PACKET_MS } from "@hustings/wire/units.ts";
import { createMemoryStore } from "../log/memory/memory-log.ts";
import type { LogReader } from "../log/port.ts";
import { SILENT } from "../ops/logger.ts";
import { generateTicketKey, publicHalf } from "../tickets/keys.ts";
import { ticketSigner } from "../tickets/sign.ts";
import { ticketVerifier } from "../tickets/verify.ts";
import type { PeerPort } from "./peer/peer-port.ts";
import { startPeerPort } from "./peer/webrtc-peer-port.ts";
import { startStage } from "./stage.ts";
import { tone } from "./testing/microphones.ts";
import { STAGE_LIMITS } from "./testing/stage-fixture.ts";

const SPACE = spaceIdFrom(new Uint8Array(10).fill(9));
const HOST = guestIdFrom(new Uint8Array(16).fill(9));
const GUEST = guestIdFrom(new Uint8Array(16).fill(10));

/** Starts a stage on loopback with one space. Drops packets of speakers for which `isKept` returns false. */
async function startReal(made: AsyncDisposableStack, isKept: (rtp: Uint8Array) => boolean = () => true) {
  const folder = await mkdtemp(join(tmpdir(), "hustings-live-"));
  made.defer(() => rm(folder, { recursive: true }));
  const key = await generateTicketKey();
  const store = made.use(createMemoryStore());
  const udpPort = 20_000 + Math.floor(Math.random() * 10_000);
  const peers = made.use(startPeerPort({ udpPort, bindAddress: "127.0.0.1", now: systemClock.monotonicMs }));
  const stage = made.use(
    await startStage({
      ...{
        store,
        peers: dropPackets(peers, isKept),
        clock: systemClock,
        log: SILENT,
        version: "1",
        isRecorded: false,
        limits: STAGE_LIMITS,
      },
      check: ticketVerifier([publicHalf(key)], systemClock),
      tcp: { host: "127.0.0.1", port: 0 },
      socketPath: join(folder, "stage.sock"),
      followPath: join(folder, "follow.sock"),
    }),
  );
  await stage.spaces.create({
    ...{ id: SPACE, title: "T", host: { person: HOST, name: "Hanna" }, secretHash: "s".repeat(43) },
  });
  const sign = ticketSigner(key, systemClock);
  const ticketOf = async (person: PersonId, role: "host" | "guest") => {
    const generation = role === "host" ? 1 : 0;
    return (await sign.ticket({ space: SPACE, person, name: role, generation })).ticket;
  };
  return { space: stage.spaces.get(SPACE), whipUrl: `http://127.0.0.1:${stage.tcpPort}/stage/${SPACE}`, ticketOf };
}

function dropPackets(peers: PeerPort, isKept: (rtp: Uint8Array) => boolean): PeerPort {
  return {
    udpPort: peers.udpPort,
    get peerCount() {
      return peers.peerCount;
    },
    accept: (offer, events) =>
      peers.accept(offer, {
        ...events,
        onPacket: (rtp, arrivalMs) => {
          if (isKept(rtp)) events.onPacket(rtp, arrivalMs);
        },
      }),
    [Symbol.asyncDispose]: () => peers[Symbol.asyncDispose](),
  };
}

/**
 * Returns the first fragment from the `count`th on that is `wanted`, or the hundredth. On a busy machine speakers get too
 * little processor time, and some fragments have no voice in them.
 */
async function fragmentAfter(
  log: LogReader,
  count: number,
  wanted: (fragment: Fragment) => boolean = () => true,
): Promise<Fragment> {
  let seen = 0;
  for await (const record of log.follow({ nextSlot: 0, stateSeq: 0, momentSeq: 0 }, new AbortController().signal)) {
    if (record.lane !== "sound" || record.rendition !== "32" || ++seen < count) continue;
    const fragment = decodeFragment(record.bytes);
    if (wanted(fragment) || seen === 100) return fragment;
  }
  return assert.fail("the log was closed");
}

test("over real WebRTC two speakers join by their tickets, go live, and are broadcast", async () => {
  await using made = new AsyncDisposableStack();
  const opus = await loadOpus();
  const { space, whipUrl, ticketOf } = await startReal(made);
  const messages: StageMessage[] = [];
  let returned = 0;
  const speakers: { speaker: Speaker; microphone: () => Uint8Array }[] = [];
  const beat = () => {
    for (const { speaker, microphone } of speakers) speaker.sendPacket(microphone());
  };
  made.use(startTicker(systemClock, PACKET_MS, beat, (cause) => assert.fail(String(cause))));
  const sit = async (person: PersonId, role: "host" | "guest", hz: number, heard: Partial<SpeakerOptions> = {}) => {
    const speaker = await connectSpeaker({ whipUrl, ticket: await ticketOf(person, role), ...heard });
    made.defer(() => speaker.close());
    speakers.push({ speaker, microphone: tone(opus, hz) });
    return speaker;
  };
  const host = await sit(HOST, "host", 440, {
    onDown: (message) => messages.push(message),
    onPacket: () => returned++,
  });
  await space.execute({ person: GUEST, name: "guest", generation: 0 }, { do: "hand", up: true });
  await host.command({ do: "invite", person: GUEST });
  const other = await sit(GUEST, "guest", 1_000);
  assert.deepEqual([host.seat, other.seat], [0, 1]);
  await host.command({ do: "mute", seat: 0, muted: false });
  await other.command({ do: "mute", seat: 1, muted: false });
  await host.command({ do: "live" });
  const { levels } = await fragmentAfter(space.log, 8, ({ levels }) => levels.length === 2);
  assert.deepEqual(levels.map(({ seat }) => seat).sort(), [0, 1]);
  assert.ok(messages.some(({ kind }) => kind === "levels"));
  assert.ok(returned > 50);
  assert.ok(space.state.seats.every(({ present, muted }) => present && !muted));
});

test("RED restores every packet of a speaker when each fifth is lost", async () => {
  await using made = new AsyncDisposableStack();
  const opus = await loadOpus();
  let count = 0;
  const primaries = new Set<number>();
  const copies = new Set<number>();
  const { space, whipUrl, ticketOf } = await startReal(made, (rtp) => {
    const packet = parseRtp(rtp);
    if (packet.kind === "fault") return assert.fail(packet.reason);
    const blocks = parseRed(packet.payload, packet.timestamp);
    if (packet.payloadType !== 63 || isRedFault(blocks)) return assert.fail("a packet is no RED");
    count += 1;
    if (count % 5 === 0) return false;
    for (const { primary, timestamp } of blocks) (primary ? primaries : copies).add(timestamp);
    return true;
  });
  const host = await connectSpeaker({ whipUrl, ticket: await ticketOf(HOST, "host") });
  made.defer(() => host.close());
  const microphone = tone(opus, 440);
  made.use(
    startTicker(
      systemClock,
      PACKET_MS,
      () => void host.sendPacket(microphone()),
      (cause) => assert.fail(String(cause)),
    ),
  );
  await host.command({ do: "mute", seat: 0, muted: false });
  await host.command({ do: "live" });
  await fragmentAfter(space.log, 8);
  const newest = Math.max(...primaries);
  const sent = Array.from({ length: 50 }, (_, back) => newest - 960 * (back + 1));
  assert.ok(sent.filter((timestamp) => !primaries.has(timestamp)).length >= 8);
  assert.ok(sent.every((timestamp) => primaries.has(timestamp) || copies.has(timestamp)));
});
