import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "@hustings/flow/clock.ts";
import { loadOpus } from "@hustings/media/opus.ts";
import { parseRtp } from "@hustings/media/rtp.ts";
import type { ChannelDown } from "@hustings/wire/channel.ts";
import { decodeFragment } from "@hustings/wire/fragment.ts";
import { type PersonId, personIdFrom, spaceIdFrom } from "@hustings/wire/ids.ts";
import type { LogRecord } from "@hustings/wire/lanes.ts";
import { createMemoryStore } from "../log/memory.ts";
import { generateTicketKey, publicHalf } from "../tickets/keys.ts";
import { ticketSigner } from "../tickets/sign.ts";
import { ticketVerifier } from "../tickets/verify.ts";
import { startPeerPort } from "./peer.ts";
import { connectSpeaker, type Speaker } from "./peer-client.ts";
import { tone } from "./rehearsal.ts";
import { startStage } from "./stage.ts";
import { startTicker } from "./tick.ts";

const SPACE = spaceIdFrom(new Uint8Array(10).fill(9));
const HOST = personIdFrom(new Uint8Array(12).fill(9));
const GUEST = personIdFrom(new Uint8Array(12).fill(10));
const quiet = { info() {}, warn() {}, error() {} };

test("over real WebRTC, two speakers come on the stage by their tickets, go live, and are broadcast", async () => {
  const folder = await mkdtemp(join(tmpdir(), "hustings-live-"));
  await using made = new AsyncDisposableStack();
  made.defer(() => rm(folder, { recursive: true }));
  const opus = await loadOpus();
  const key = await generateTicketKey();
  const store = made.use(createMemoryStore({ clock: systemClock }));
  const udpPort = 20_000 + Math.floor(Math.random() * 20_000);
  const peers = made.use(startPeerPort({ udpPort, bindAddress: "127.0.0.1", now: systemClock.monotonicMs }));
  const stage = made.use(
    await startStage({
      ...{ store, peers, clock: systemClock, notes: quiet, version: "1", isRecorded: false },
      check: ticketVerifier([publicHalf(key)], systemClock),
      tcp: { host: "127.0.0.1", port: 0 },
      socketPath: join(folder, "stage.sock"),
      followPath: join(folder, "follow.sock"),
    }),
  );
  await stage.spaces.create({
    ...{ id: SPACE, title: "T", host: { person: HOST, name: "Hanna" }, secretHash: "s".repeat(43) },
  });
  const log = await stage.spaces.reader(SPACE);
  assert.ok(log);
  const whipUrl = `http://127.0.0.1:${stage.tcpPort}/stage/${SPACE}`;
  const sign = ticketSigner(key, systemClock);
  const ticketOf = async (person: PersonId, role: "host" | "guest") => {
    const generation = role === "host" ? 1 : 0;
    return (await sign({ space: SPACE, person, name: role, role, use: "act", generation })).ticket;
  };
  const told: ChannelDown[] = [];
  const returned: Uint8Array[] = [];
  const speakers: { speaker: Speaker; mouth: () => Uint8Array }[] = [];
  const beat = () => {
    for (const { speaker, mouth } of speakers) speaker.sendPacket(mouth());
  };
  made.use(startTicker(systemClock, beat, (cause) => assert.fail(String(cause))));
  const host = await connectSpeaker({
    whipUrl,
    ticket: await ticketOf(HOST, "host"),
    onDown: (message) => told.push(message),
    onPacket: (rtp) => {
      const packet = parseRtp(rtp);
      if (packet.kind === "rtp") returned.push(packet.payload);
    },
  });
  made.defer(() => host.close());
  speakers.push({ speaker: host, mouth: tone(opus, 440) });
  const space = stage.spaces.get(SPACE);
  const guest = { person: GUEST, name: "guest", role: "guest", generation: 0 } as const;
  await space.execute(guest, { do: "hand", up: true });
  await host.command({ do: "invite", person: GUEST });
  const other = await connectSpeaker({ whipUrl, ticket: await ticketOf(GUEST, "guest") });
  made.defer(() => other.close());
  assert.equal(other.seat, 1);
  speakers.push({ speaker: other, mouth: tone(opus, 1_000) });
  await host.command({ do: "mute", seat: 0, muted: false });
  await other.command({ do: "mute", seat: 1, muted: false });
  await host.command({ do: "live" });
  const sounds: LogRecord[] = [];
  for await (const record of log.follow({ nextSlot: 0, stateSeq: 0, momentSeq: 0 }, new AbortController().signal)) {
    if (record.lane === "sound" && record.rendition === "32") sounds.push(record);
    if (sounds.length === 8) break;
  }
  const last = sounds.at(-1);
  assert.ok(last?.lane === "sound");
  const { levels } = decodeFragment(last.bytes);
  assert.deepEqual(levels.map(({ seat }) => seat).sort(), [0, 1]);
  assert.ok(told.some(({ kind }) => kind === "levels"));
  assert.ok(returned.length > 50);
  assert.deepEqual(
    log.state().seats.map(({ present, muted }) => [present, muted]),
    [
      [true, false],
      [true, false],
    ],
  );
});
