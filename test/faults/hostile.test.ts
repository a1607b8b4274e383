// Proves over real sockets that whoever is slow, floods or lies at the public door costs little, gets a status or a close
// code that says why, and is not noticed by those who listen meanwhile.

import assert from "node:assert/strict";
import { test } from "node:test";
import { frame, inFrames } from "../../server/src/edge/testing/websocket-vectors.ts";
import { ROUTES } from "../../wire/routes.ts";
import { startLiveSpace } from "../testing/fake-speaker.ts";
import { allClosed, openRawClient, type RawClient, upgradeOf } from "../testing/raw-client.ts";
import { type RecordingListener, startListening } from "../testing/recording-listener.ts";
import { type RunningServer, startServer } from "../testing/running-server.ts";
import { until } from "../testing/until.ts";

/** Header timeout and the interval in which it is looked at, and time for a busy machine. */
const HEADERS_WITHIN_MS = 20_000;
const AT_MOST_BYTES = 96 * 1024 * 1024;

async function besieged(server: RunningServer, siege: (path: string) => Promise<void>, say: (line: string) => void) {
  using live = await startLiveSpace(server, "Under siege");
  const listeners: RecordingListener[] = [
    await startListening(server, live.space),
    await startListening(server, live.space),
  ];
  const memory = async (): Promise<number> => Number((await server.health("edge-0"))["rssBytes"]);
  const before = await memory();
  try {
    await siege(ROUTES.listen(live.space.id));
    for (const one of listeners) await one.hearsMore(10);
    for (const one of listeners) assertServed(one);
    const grewBytes = (await memory()) - before;
    say(
      `the edge grew by ${Math.round(grewBytes / 1024 / 1024)} MiB; waited ${listeners.map((one) => one.waitedMs())} ms`,
    );
    assert.ok(grewBytes < AT_MOST_BYTES, `the edge grew by ${grewBytes} bytes`);
  } finally {
    for (const one of listeners) one[Symbol.dispose]();
  }
}

// Everything was sent, in order, on one connection. What these ears played is not judged: they share a process with those
// who lay siege.
function assertServed({ headless, breaks, slots, absences }: RecordingListener): void {
  const { badFrames, connections } = headless.stats();
  assert.deepEqual(headless.faults, []);
  assert.deepEqual([badFrames, connections], [0, 1], "bad frames, connections");
  assert.deepEqual(
    breaks.filter(([, , why]) => why !== "gap"),
    [],
  );
  const declared = [...absences, ...breaks.filter(([, , why]) => why === "gap")];
  const all = [...slots.keys()];
  for (const [i, slot] of all.entries()) {
    for (let missing = (all[i - 1] ?? slot) + 1; missing < slot; missing++)
      assert.ok(
        declared.some(([from, to]) => missing >= from && missing < to),
        `slot ${missing} was not sent`,
      );
  }
}

function many(count: number, make: (i: number) => RawClient): RawClient[] & Disposable {
  const all = Array.from({ length: count }, (_, i) => make(i));
  return Object.assign(all, {
    [Symbol.dispose]() {
      for (const one of all) one[Symbol.dispose]();
    },
  });
}

test("slow, silent and half-open requests are closed in seconds, floods of headers at once", async (t) => {
  await using server = await startServer();
  await besieged(
    server,
    async (path) => {
      const half = upgradeOf(path).slice(0, -2);
      using silent = many(500, () => openRawClient(server));
      using slow = many(500, () => openRawClient(server, "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "));
      using halfOpen = many(1_000, () => openRawClient(server, half));
      using floods = many(200, () =>
        openRawClient(server, `GET / HTTP/1.1\r\nHost: a\r\n${"X-Many: 1234567890\r\n".repeat(2_000)}`),
      );
      using long = many(200, () => openRawClient(server, `GET /${"a".repeat(20_000)} HTTP/1.1\r\n`));
      await allClosed("floods of headers", [...floods, ...long], HEADERS_WITHIN_MS);
      for (const one of [...floods, ...long]) assert.ok(one.status === 413 || one.text === "", one.text);
      assert.ok([...floods, ...long].some(({ status }) => status === 413));
      await allClosed("slow requests", [...silent, ...slow, ...halfOpen], HEADERS_WITHIN_MS);
      for (const one of [...slow, ...halfOpen]) assert.equal(one.status, 408, one.text);
    },
    (line) => t.diagnostic(line),
  );
});

test("what breaks the protocol or is too much is closed by its code, and readers that stall cost what is bounded", async (t) => {
  await using server = await startServer();
  await besieged(
    server,
    async (path) => {
      using stalled = many(300, () => openRawClient(server, upgradeOf(path)));
      for (const { socket } of stalled) socket.pause();
      const said =
        (...frames: Buffer[]) =>
        () =>
          openRawClient(server, Buffer.concat([Buffer.from(upgradeOf(path)), ...frames]));
      const text = (echo: number) => frame(1, JSON.stringify({ kind: "ping", echo }));
      const cases: [code: number, make: () => RawClient][] = [
        [4413, said(frame(1, "x".repeat(1_025)))],
        [4413, said(Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff]))],
        [4413, said(...inFrames(Array.from({ length: 9 }, () => "x".repeat(125))))],
        [4402, said(...inFrames(new Array(100).fill("")))],
        [4402, said(frame(1, "nonsense"))],
        [4402, said(frame(2, "binary"))],
        [4429, said(...Array.from({ length: 500 }, () => frame(9, "flood")))],
        [4429, said(...Array.from({ length: 500 }, () => frame(10)))],
        [4429, said(...Array.from({ length: 500 }, (_, i) => text(i)))],
        [1002, said(frame(1, "{}", { isMasked: false }))],
        [1002, said(frame(1, "{}", { reserved: 4 }))],
        [1007, said(frame(1, Buffer.from([0xc0, 0xaf])))],
      ];
      for (const [code, make] of cases) {
        using all = many(25, make);
        await until(`close code ${code}`, () => all.every(({ closeCode }) => closeCode === code), 10_000).catch(() => {
          assert.deepEqual([...new Set(all.map(({ closeCode }) => closeCode))], [code]);
        });
        // They answer nothing and are cut.
        await allClosed(`closed with ${code}`, all, 10_000);
      }
      assert.equal(Number((await server.health("edge-0"))["listeners"]), 302);
    },
    (line) => t.diagnostic(line),
  );
});

test("one address that opens all it can is told when to come again, and another address comes in at once", async (t) => {
  await using server = await startServer({ args: ["--trusted-proxies", "127.0.0.1"] });
  await besieged(
    server,
    async (path) => {
      const from = (address: string) => () =>
        openRawClient(server, upgradeOf(path, [`X-Forwarded-For: ${address}`]), true);
      // An address may come 200 times a second, and 2,000 times at once.
      using all = many(0, from("203.0.113.7"));
      while (all.every(({ status }) => status !== 429) && all.length < 10_000) {
        for (let i = 0; i < 1_000; i++) all.push(from("203.0.113.7")());
        await until("everyone to be answered", () => all.every(({ status }) => status !== 0), 30_000);
      }
      const counts = new Map<number, number>();
      for (const { status } of all) counts.set(status, (counts.get(status) ?? 0) + 1);
      t.diagnostic(`answers: ${[...counts].map(([status, count]) => `${count} of ${status}`).join(", ")}`);
      assert.deepEqual([...counts.keys()].sort(), [101, 429]);
      const refused = all.find(({ status }) => status === 429);
      assert.match(refused?.text ?? "", /retry-after: \d+[\s\S]*too-many[\s\S]*retryAfterMs/);
      using other = from("203.0.113.8")();
      await until("another address to be in", () => other.status === 101, 10_000);
    },
    (line) => t.diagnostic(line),
  );
});

test("one address that opens everything has its part of the places, is told so, and others still come in", async (t) => {
  await using server = await startServer({
    args: ["--trusted-proxies", "127.0.0.1", "--listeners-per-edge", "1000", "--listeners-per-address", "300"],
  });
  await besieged(
    server,
    async (path) => {
      const from = (address: string) => () => openRawClient(server, upgradeOf(path, [`X-Forwarded-For: ${address}`]));
      const neighbours = (_: unknown, i: number) => from(`2001:db8:0:7::${(i + 1).toString(16)}`)();
      using all = many(0, from("203.0.113.7"));
      // As many again while the first stay, all of one /64.
      for (let round = 0; round < 3; round++) {
        all.push(...Array.from({ length: 400 }, neighbours));
        await until("everyone to be answered", () => all.every(({ text }) => text.length > 200), 30_000);
      }
      const refused = all.filter(({ closeCode }) => closeCode === 4430);
      t.diagnostic(`${all.length - refused.length} of ${all.length} are in`);
      assert.equal(all.length - refused.length, 300);
      assert.match(refused[0]?.text ?? "", /retry-after-ms=\d+/);
      await allClosed("those who are too many", refused, 10_000);
      assert.equal(Number((await server.health("edge-0"))["listeners"]), 302);
      using others = many(200, from("203.0.113.8"));
      await until("another address to be in", () => others.every(({ text }) => text.length > 200), 10_000);
      assert.ok(others.every(({ closeCode }) => closeCode === 0));
    },
    (line) => t.diagnostic(line),
  );
});
