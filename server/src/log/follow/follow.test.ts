// Following over a Unix socket passes the reader contract, and survives broken, slow and hostile followers.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { LAG_BUCKETS, type LagCounts, listenersLagOf } from "@hustings/wire/listen/lag-counts.ts";
import { RENDITIONS } from "@hustings/wire/units.ts";
import fc from "fast-check";
import { createMemoryStore } from "../memory/memory-log.ts";
import { createMemoryMoments } from "../memory/memory-moments.ts";
import type { FollowedRecord, MeasuredAudience, SpaceLog } from "../port.ts";
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

readerContract("socket", async () => {
  const fixture = await startFixture();
  return {
    log: fixture.log,
    reader: {
      follow: (cursor, signal, renditions = RENDITIONS) =>
        withoutAudience(fixture.follow({ cursor, signal, renditions })),
      async range(rendition, from, to) {
        const stop = new AbortController();
        try {
          return await fixture.follow({ signal: stop.signal }).range(rendition, from, to);
        } finally {
          stop.abort();
        }
      },
    },
    [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose](),
  };
});

describe("following over a socket", () => {
  test("sends the heads first, without backstage", async () => {
    await using fixture = await startFixture();
    await fixture.log.appendState(0, 0, createdChange());
    await fixture.log.appendBackstage(0, 0, { kind: "host-secret", secretHash: "hash", generation: 1 });
    fixture.log.appendSound("32", 4, fragmentOf(4));
    assert.deepEqual(await fixture.follow({}).heads, { slot: { "32": 4 }, stateSeq: 1, momentSeq: 0, backstageSeq: 0 });
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

  test("refuses to follow an unknown space with no-space", async () => {
    await using fixture = await startFixture();
    const followed = fixture.follow({ space: OTHER_SPACE });
    await assert.rejects(firstOf(followed), refusal("no-space"));
    await assert.rejects(followed.heads, refusal("no-space"));
    await assert.rejects(followed.range("32", 0, 1), refusal("no-space"));
  });

  test("a follower learns that the stage is away when it ends or was never there", async () => {
    const fixture = await startFixture();
    const { signal } = new AbortController();
    const followed = fixture.follow({ signal });
    await followed.heads;
    const reading = assert.rejects(readOn(followed), refusal("stage-away"));
    await fixture[Symbol.asyncDispose]();
    await reading;
    await assert.rejects(firstOf(fixture.follow({ signal })), refusal("stage-away"));
  });

  test("a stage that accepts a connection and sends nothing counts as away after a while", async () => {
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

  test("a stage that breaks the protocol counts as away", async () => {
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

  test("sends every follower the sum of the audiences that followers report", async () => {
    await using fixture = await startFixture();
    const [first, second] = [fixture.follow({}), fixture.follow({})];
    await Promise.all([first.heads, second.heads]);
    first.reportAudience(30);
    second.reportAudience(12);
    await fixture.until(() => fixture.audience() === 42);
    fixture.clock.advance(AUDIENCE_MS);
    for (const followed of [first, second]) assert.equal(await audienceAbove(followed, 0), 42);
  });

  test("sends every follower how far behind the listeners of all followers are", async () => {
    await using fixture = await startFixture();
    const [first, second] = [fixture.follow({}), fixture.follow({})];
    await Promise.all([first.heads, second.heads]);
    first.reportAudience(30, [...new Array(9).fill(0), 30]);
    second.reportAudience(1, [1]);
    await fixture.until(() => fixture.audience() === 31);
    fixture.clock.advance(AUDIENCE_MS);
    for (const followed of [first, second])
      for await (const record of followed.records) {
        if (record.lane !== "audience" || record.audience === 0) continue;
        assert.deepEqual(record, { lane: "audience", audience: 31, lag: { medianMs: 800, slowestMs: 800 } });
        break;
      }
  });

  test("forgets the audience of a follower that is gone", async () => {
    await using fixture = await startFixture();
    const stop = new AbortController();
    const followed = fixture.follow({ signal: stop.signal });
    await followed.heads;
    followed.reportAudience(30);
    await fixture.until(() => fixture.audience() === 30);
    stop.abort();
    await fixture.until(() => fixture.audience() === 0);
  });

  test("disconnects a follower with too much unsent, which can follow again from its cursor", async () => {
    await using fixture = await startFixture({ maxUnsentBytes: 64 * 1024 });
    const socket = createConnection(fixture.path);
    socket.on("error", () => undefined);
    socket.write(encodeUp({ kind: "hello", space: SPACE, cursor: START, renditions: ["32"] }));
    socket.pause();
    await fixture.until(() => fixture.followerCount() === 1);
    const closed = fixture.until(() => fixture.followerCount() === 0);
    let slot = 0;
    while (fixture.followerCount() > 0) {
      fixture.log.appendSound("32", slot, fragmentOf(slot++, "32", 800));
      if (slot % 8 === 0) await new Promise(setImmediate);
      if (slot % 100 === 0) fixture.clock.advance(STALLED_MS);
    }
    await closed;
    const nextSlot = slot - 3;
    const again = await take(fixture.reading(), { nextSlot, stateSeq: 0, momentSeq: 0 }, 3, ["32"]);
    assert.deepEqual(again.map(nameOf), [`32/${slot - 3}`, `32/${slot - 2}`, `32/${slot - 1}`]);
    socket.destroy();
  });

  test("closes a connection without a hello after a while", async () => {
    await using fixture = await startFixture();
    const socket = createConnection(fixture.path);
    await fixture.until(() => fixture.followerCount() === 1);
    fixture.clock.advance(HELLO_MS);
    assert.match(await textOf(socket), /bad-frame/);
  });

  const hello = encodeUp({ kind: "hello", space: SPACE, cursor: START, renditions: ["32"] });
  const misuses: [string, Buffer][] = [
    ["a second hello", Buffer.concat([hello, hello])],
    ["an audience before the hello", encodeUp({ kind: "audience", audience: 1 })],
    [
      "a negative count of listeners",
      Buffer.concat([hello, encodeUp({ kind: "audience", audience: 1, lagCounts: [-1] })]),
    ],
    [
      "more counts than there are",
      Buffer.concat([hello, encodeUp({ kind: "audience", audience: 1, lagCounts: new Array(99).fill(1) })]),
    ],
    ["a frame longer than allowed", Buffer.from([0, 1, 0, 0, 1])],
    ["an empty frame", Buffer.from([0, 0, 0, 0])],
    ["a kind that does not exist", Buffer.from([0, 0, 0, 3, 9, 123, 125])],
    ["a hello that is not JSON", Buffer.from([0, 0, 0, 3, 1, 123, 123])],
  ];
  for (const [what, bytes] of misuses) {
    test(`${what} ends the connection with bad-frame`, async () => {
      await using fixture = await startFixture();
      const socket = createConnection(fixture.path);
      socket.write(bytes);
      assert.match(await textOf(socket), /bad-frame/);
    });
  }

  test("serves other followers whatever bytes one of them sends", async () => {
    await using fixture = await startFixture();
    fixture.log.appendSound("32", 0, fragmentOf(0));
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, afterHello) => {
        const socket = createConnection(fixture.path);
        socket.on("error", () => undefined);
        if (afterHello) socket.write(hello);
        socket.end(bytes);
        socket.resume();
        await once(socket, "close");
      }),
      { numRuns: 60 },
    );
    assert.deepEqual((await take(fixture.reading(), START, 1)).map(nameOf), ["32/0"]);
  });
});

describe("follow frames", () => {
  test("decodes any bytes or throws BadFollowFrame", () => {
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

  test("decodes any JSON in any frame or throws BadFollowFrame", () => {
    fc.assert(
      fc.property(fc.json(), fc.integer({ min: 0, max: 25 }), (json, kind) => {
        const frame = Buffer.concat([Buffer.from([kind]), Buffer.from(json)]);
        for (const decode of [decodeUp, decodeDown]) refusedOrNot(() => decode(frame));
      }),
    );
  });

  test("cuts the same frames from a stream that arrives in any pieces", () => {
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

  test("refuses a length above the limit before its bytes arrive", () => {
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

async function startFixture(options: Partial<FollowServerOptions> = {}) {
  const folder = await tempFolder();
  const path = join(folder.path, "follow.sock");
  const clock = manualClock();
  const store = createMemoryStore();
  const log: SpaceLog = await store.create(SPACE);
  const reported = new Map<number, { readonly audience: number; readonly lagCounts: LagCounts }>();
  let total: MeasuredAudience = { audience: 0 };
  const audience = () => total.audience;
  const server = await serveFollowers({
    path,
    clock,
    logOf: (id) => (id === SPACE ? log : undefined),
    onAudience(_space, follower, listeners, lagCounts) {
      reported.set(follower, { audience: listeners, lagCounts });
      const reports = [...reported.values()];
      const lag = listenersLagOf(
        Array.from({ length: LAG_BUCKETS }, (_, i) => sum(reports.map((one) => one.lagCounts[i]))),
      );
      total = { audience: sum(reports.map((one) => one.audience)), ...(lag ? { lag } : {}) };
    },
    audienceOf: () => total,
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
    async until(condition: () => boolean) {
      while (!condition()) await new Promise(setImmediate);
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      stop.abort();
      await store[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function sum(numbers: readonly (number | undefined)[]): number {
  return numbers.reduce<number>((all, one = 0) => all + one, 0);
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
