// Proves following over a Unix socket: the reading contract, refusals, limits, and that no byte from outside harms.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { RENDITIONS } from "@hustings/wire/units.ts";
import fc from "fast-check";
import { createMemoryStore } from "../memory/memory-log.ts";
import { createMemoryMoments } from "../memory/memory-moments.ts";
import type { FollowedRecord, SpaceLog } from "../port.ts";
import { createdChange, fragmentOf, nameOf, OTHER_SPACE, SPACE, START, take } from "../testing/log-fixture.ts";
import { readerContract } from "../testing/reader-contract.ts";
import { type FollowConnection, followSpace } from "./follow-client.ts";
import {
  BadFollowFrame,
  decodeDown,
  decodeUp,
  encodeDown,
  encodeUp,
  frameCutter,
  MAX_DOWN_BYTES,
  MAX_UP_BYTES,
} from "./follow-frames.ts";
import { AUDIENCE_MS, type FollowServerOptions, HELLO_MS, STALLED_MS, serveFollowers } from "./follow-server.ts";

const TIMEOUT_MS = 60_000;

readerContract("socket", async () => {
  const venue = await startVenue();
  return {
    log: venue.log,
    reader: {
      follow: (cursor, signal, renditions = RENDITIONS) =>
        withoutAudience(venue.follow({ cursor, signal, renditions })),
      async range(rendition, from, to) {
        const stop = new AbortController();
        try {
          return await venue.follow({ signal: stop.signal }).range(rendition, from, to);
        } finally {
          stop.abort();
        }
      },
    },
    [Symbol.asyncDispose]: () => venue[Symbol.asyncDispose](),
  };
});

describe("following over a socket", { timeout: TIMEOUT_MS }, () => {
  test("the heads come first, and name nothing of backstage", async () => {
    await using venue = await startVenue();
    await venue.log.appendState(0, 0, createdChange());
    await venue.log.appendBackstage(0, 0, { kind: "host-secret", secretHash: "hash", generation: 1 });
    venue.log.appendSound("32", 4, fragmentOf(4));
    assert.deepEqual(await venue.follow({}).heads, { slot: { "32": 4 }, stateSeq: 1, momentSeq: 0, backstageSeq: 0 });
  });

  test("an audience desk's followers get its moments from their cursor on, empty ranges, and no audience", async () => {
    const moments = createMemoryMoments();
    const pen = (await moments.open(SPACE)) ?? assert.fail("no lane");
    const change = { kind: "comment", text: "Hello" };
    for (let n = 0; n < 3; n++) await pen.appendMoment(n, 5, change);
    await using folder = await tempFolder();
    const path = join(folder.path, "moments.sock");
    const clock = manualClock();
    await using _server = await serveFollowers({ path, clock, logOf: (id) => (id === SPACE ? pen : undefined) });
    const stop = new AbortController();
    const cursor = { ...START, momentSeq: 1 };
    const followed = followSpace({ path, clock, space: SPACE, cursor, renditions: [], signal: stop.signal });
    assert.deepEqual(await followed.heads, { slot: {}, stateSeq: 0, momentSeq: 3, backstageSeq: 0 });
    assert.deepEqual(await followed.range("32", 0, 10), []);
    followed.reportAudience(5);
    const live = pen.appendMoment(3, 5, change);
    const seen: FollowedRecord[] = [];
    for await (const record of followed.records) if (seen.push(record) === 3) stop.abort();
    assert.deepEqual(
      seen,
      [2, 3, 4].map((seq) => ({ lane: "moments", entry: { ...change, seq, slot: seq - 1, utcMs: 5 } })),
    );
    assert.equal((await live).seq, 4);
  });

  test("a space that is not there is refused as no-space", async () => {
    await using venue = await startVenue();
    const followed = venue.follow({ space: OTHER_SPACE });
    await assert.rejects(firstOf(followed), refusal("no-space"));
    await assert.rejects(followed.heads, refusal("no-space"));
    await assert.rejects(followed.range("32", 0, 1), refusal("no-space"));
  });

  test("a stage that is not there, or goes, is away", async () => {
    const venue = await startVenue();
    const { signal } = new AbortController();
    const followed = venue.follow({ signal });
    await followed.heads;
    const reading = assert.rejects(readOn(followed), refusal("stage-away"));
    await venue[Symbol.asyncDispose]();
    await reading;
    await assert.rejects(firstOf(venue.follow({ signal })), refusal("stage-away"));
  });

  test("a stage that accepts and says nothing is away after a while", async () => {
    await using folder = await tempFolder();
    const path = join(folder.path, "follow.sock");
    const clock = manualClock();
    const server = createServer(() => undefined).listen(path);
    await once(server, "listening");
    const signal = new AbortController().signal;
    const followed = followSpace({ path, clock, space: SPACE, cursor: START, renditions: RENDITIONS, signal });
    clock.advance(HELLO_MS);
    await assert.rejects(firstOf(followed), refusal("stage-away"));
    server.close();
  });

  test("a stage that sends what is no frame is away", async () => {
    await using folder = await tempFolder();
    const path = join(folder.path, "follow.sock");
    const server = createServer((socket) => socket.on("error", () => undefined).end(Buffer.alloc(64, 255))).listen(
      path,
    );
    await once(server, "listening");
    const signal = new AbortController().signal;
    const options = { path, clock: manualClock(), space: SPACE, cursor: START, renditions: RENDITIONS, signal };
    await assert.rejects(firstOf(followSpace(options)), refusal("stage-away"));
    server.close();
  });

  test("what followers serve is told to the stage, and what all serve to every follower", async () => {
    await using venue = await startVenue();
    const [first, second] = [venue.follow({}), venue.follow({})];
    await Promise.all([first.heads, second.heads]);
    first.reportAudience(30);
    second.reportAudience(12);
    await venue.until(() => venue.audience() === 42);
    venue.clock.advance(AUDIENCE_MS);
    for (const followed of [first, second]) assert.equal(await audienceAbove(followed, 0), 42);
  });

  test("a follower that is gone counts nobody", async () => {
    await using venue = await startVenue();
    const stop = new AbortController();
    const followed = venue.follow({ signal: stop.signal });
    await followed.heads;
    followed.reportAudience(30);
    await venue.until(() => venue.audience() === 30);
    stop.abort();
    await venue.until(() => venue.audience() === 0);
  });

  test("a follower that takes nothing is cut at the limit of unsent bytes, and follows again from its cursor", async () => {
    await using venue = await startVenue({ maxUnsentBytes: 64 * 1024 });
    const socket = createConnection(venue.path);
    socket.on("error", () => undefined);
    socket.write(encodeUp({ kind: "hello", space: SPACE, cursor: START, renditions: ["32"] }));
    socket.pause();
    await venue.until(() => venue.followerCount() === 1);
    const closed = venue.until(() => venue.followerCount() === 0);
    let slot = 0;
    while (venue.followerCount() > 0) {
      venue.log.appendSound("32", slot, fragmentOf(slot++, "32", 800));
      if (slot % 8 === 0) await new Promise(setImmediate);
      if (slot % 100 === 0) venue.clock.advance(STALLED_MS);
    }
    await closed;
    const nextSlot = slot - 3;
    const again = await take(venue.reading(), { nextSlot, stateSeq: 0, momentSeq: 0 }, 3, ["32"]);
    assert.deepEqual(again.map(nameOf), [`32/${slot - 3}`, `32/${slot - 2}`, `32/${slot - 1}`]);
    socket.destroy();
  });

  test("a connection without a hello is closed after a while", async () => {
    await using venue = await startVenue();
    const socket = createConnection(venue.path);
    await venue.until(() => venue.followerCount() === 1);
    venue.clock.advance(HELLO_MS);
    assert.match(await textOf(socket), /bad-frame/);
  });

  const hello = encodeUp({ kind: "hello", space: SPACE, cursor: START, renditions: ["32"] });
  const misuses: [string, Buffer][] = [
    ["a second hello", Buffer.concat([hello, hello])],
    ["an audience before the hello", encodeUp({ kind: "audience", audience: 1 })],
    ["a frame longer than allowed", Buffer.from([0, 1, 0, 0, 1])],
    ["an empty frame", Buffer.from([0, 0, 0, 0])],
    ["a kind that does not exist", Buffer.from([0, 0, 0, 3, 9, 123, 125])],
    ["a hello that is not JSON", Buffer.from([0, 0, 0, 3, 1, 123, 123])],
  ];
  for (const [what, bytes] of misuses) {
    test(`${what} ends the connection with bad-frame`, async () => {
      await using venue = await startVenue();
      const socket = createConnection(venue.path);
      socket.write(bytes);
      assert.match(await textOf(socket), /bad-frame/);
    });
  }

  test("no bytes harm the stage: others follow on", async () => {
    await using venue = await startVenue();
    venue.log.appendSound("32", 0, fragmentOf(0));
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, afterHello) => {
        const socket = createConnection(venue.path);
        socket.on("error", () => undefined);
        if (afterHello) socket.write(hello);
        socket.end(bytes);
        socket.resume();
        await once(socket, "close");
      }),
      { numRuns: 60 },
    );
    assert.deepEqual((await take(venue.reading(), START, 1)).map(nameOf), ["32/0"]);
  });
});

describe("follow frames", () => {
  test("any bytes either decode or are refused with BadFollowFrame", () => {
    for (const decode of [decodeUp, decodeDown]) {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 0, max: 25 }), (bytes, kind) => {
          bytes[0] = kind;
          refusedOrNot(() => decode(bytes));
        }),
        { numRuns: 2_000 },
      );
    }
  });

  test("any JSON in any frame either decodes or is refused with BadFollowFrame", () => {
    fc.assert(
      fc.property(fc.json(), fc.integer({ min: 0, max: 25 }), (json, kind) => {
        const frame = Buffer.concat([Buffer.from([kind]), Buffer.from(json)]);
        for (const decode of [decodeUp, decodeDown]) refusedOrNot(() => decode(frame));
      }),
    );
  });

  test("a stream cut anywhere gives the same frames", () => {
    const frames = [
      encodeDown({ kind: "record", record: { lane: "sound", rendition: "16", slot: 9, bytes: fragmentOf(9, "16") } }),
      encodeDown({ kind: "range", id: 7, fragments: [fragmentOf(1), fragmentOf(2)] }),
      encodeDown({ kind: "record", record: { lane: "audience", audience: 5 } }),
    ];
    const stream = Buffer.concat(frames);
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 8 }), (cuts) => {
        const cutter = frameCutter(MAX_DOWN_BYTES);
        const ends = [...cuts.sort((a, b) => a - b), stream.length];
        const cut = ends.flatMap((end, i) => cutter.take(stream.subarray(ends[i - 1] ?? 0, end)));
        assert.deepEqual(
          cut,
          frames.map((frame) => frame.subarray(4)),
        );
      }),
    );
  });

  test("a length above the limit is refused before its bytes come", () => {
    assert.throws(() => frameCutter(MAX_UP_BYTES).take(Buffer.from([0, 0, 16, 1])), BadFollowFrame);
  });
});

function refusedOrNot(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    if (!(error instanceof BadFollowFrame)) throw error;
  }
}

async function startVenue(options: Partial<FollowServerOptions> = {}) {
  const folder = await tempFolder();
  const path = join(folder.path, "follow.sock");
  const clock = manualClock();
  const store = createMemoryStore();
  const log: SpaceLog = await store.create(SPACE);
  const told = new Map<number, number>();
  const audience = () => [...told.values()].reduce((sum, n) => sum + n, 0);
  const server = await serveFollowers({
    path,
    clock,
    logOf: (id) => (id === SPACE ? log : undefined),
    onAudience: (_space, follower, n) => told.set(follower, n),
    audienceOf: audience,
    ...options,
  });
  const stop = new AbortController();
  const follow = (some: Partial<Parameters<typeof followSpace>[0]>): FollowConnection =>
    followSpace({ path, clock, space: SPACE, cursor: START, renditions: RENDITIONS, signal: stop.signal, ...some });
  return {
    path,
    clock,
    log,
    follow,
    audience,
    followerCount: () => server.followerCount,
    reading: () => ({
      follow: (cursor: typeof START, signal: AbortSignal, renditions = RENDITIONS) =>
        withoutAudience(follow({ cursor, signal, renditions: [...renditions] })),
      range: async () => [],
    }),
    async until(isSo: () => boolean) {
      while (!isSo()) await new Promise(setImmediate);
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      stop.abort();
      await store[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function tempFolder() {
  const path = await mkdtemp(join(tmpdir(), "hustings-follow-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function* withoutAudience(followed: FollowConnection) {
  for await (const record of followed.records) if (record.lane !== "audience") yield record;
}

async function firstOf(followed: FollowConnection): Promise<FollowedRecord | undefined> {
  for await (const record of followed.records) if (record.lane !== "audience") return record;
  return undefined;
}

async function readOn(followed: FollowConnection): Promise<void> {
  for await (const _record of followed.records);
}

async function audienceAbove(followed: FollowConnection, floor: number): Promise<number | undefined> {
  for await (const record of followed.records)
    if (record.lane === "audience" && record.audience > floor) return record.audience;
  return undefined;
}

async function textOf(socket: Socket): Promise<string> {
  let text = "";
  for await (const piece of socket) text += String(piece);
  return text;
}

function refusal(code: string) {
  return (error: unknown) => error instanceof Refusal && error.code === code;
}
