// Attacks the public door over real sockets: slow requests, floods, broken frames, too many connections. Each attacker gets
// a status or close code, the memory of the edge stays bounded, and two listeners miss nothing.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { frame, inFrames } from "../../server/src/edge/testing/websocket-vectors.ts";
import { ROUTES } from "../../wire/routes.ts";
import { startLiveSpace } from "../testing/fake-speaker.ts";
import { allClosed, openRawClient, type RawClient, upgradeOf } from "../testing/raw-client.ts";
import { type RecordingListener, startListening } from "../testing/recording-listener.ts";
import { type RunningServer, startServer } from "../testing/running-server.ts";
import { until } from "../testing/until.ts";

/** The header timeout, and as much again for a busy machine; the default of Node's HTTP server is longer. */
const HEADERS_WITHIN_MS = 45_000;
const GROWTH_MAX_BYTES = 96 * 1024 * 1024;

async function underAttack(
  server: RunningServer,
  attack: (path: string) => Promise<void>,
  report: (line: string) => void,
) {
  using live = await startLiveSpace(server, "Under attack");
  const listeners: RecordingListener[] = [
    await startListening(server, live.space),
    await startListening(server, live.space),
  ];
  const memory = async (): Promise<number> => Number((await server.health("edge-0"))["rssBytes"]);
  const before = await memory();
  try {
    await attack(ROUTES.listen(live.space.id));
    for (const one of listeners) await one.hearsMore(10);
    for (const one of listeners) assertServed(one);
    const grewBytes = (await memory()) - before;
    report(
      `the edge grew by ${Math.round(grewBytes / 1024 / 1024)} MiB; waited ${listeners.map((one) => one.waitedMs())} ms`,
    );
    assert.ok(grewBytes < GROWTH_MAX_BYTES, `the edge grew by ${grewBytes} bytes`);
  } finally {
    for (const one of listeners) one[Symbol.dispose]();
  }
}

// Asserts that every slot came, in order, on one connection. Gaps are not judged: the attackers run in the same process.
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

const open = await startServer();
after(() => open[Symbol.asyncDispose]());

test("closes slow, silent and half-open requests in seconds, and floods of headers at once", async (t) => {
  const server = open;
  await underAttack(
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

test("closes broken frames and floods of messages with their codes, and holds a bounded amount for stalled readers", async (t) => {
  const server = open;
  await underAttack(
    server,
    async (path) => {
      using stalled = many(300, () => openRawClient(server, upgradeOf(path)));
      for (const { socket } of stalled) socket.pause();
      const sending =
        (...frames: Buffer[]) =>
        () =>
          openRawClient(server, Buffer.concat([Buffer.from(upgradeOf(path)), ...frames]));
      const text = (echo: number) => frame(1, JSON.stringify({ kind: "ping", echo }));
      const cases: [code: number, make: () => RawClient][] = [
        [4413, sending(frame(1, "x".repeat(1_025)))],
        [4413, sending(Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff]))],
        [4413, sending(...inFrames(Array.from({ length: 9 }, () => "x".repeat(125))))],
        [4402, sending(...inFrames(new Array(100).fill("")))],
        [4402, sending(frame(1, "nonsense"))],
        [4402, sending(frame(2, "binary"))],
        [4429, sending(...Array.from({ length: 500 }, () => frame(9, "flood")))],
        [4429, sending(...Array.from({ length: 500 }, () => frame(10)))],
        [4429, sending(...Array.from({ length: 500 }, (_, i) => text(i)))],
        [1002, sending(frame(1, "{}", { isMasked: false }))],
        [1002, sending(frame(1, "{}", { reserved: 4 }))],
        [1007, sending(frame(1, Buffer.from([0xc0, 0xaf])))],
      ];
      for (const [code, make] of cases) {
        using all = many(25, make);
        await until(`close code ${code}`, () => all.every(({ closeCode }) => closeCode === code)).catch(() => {
          assert.deepEqual([...new Set(all.map(({ closeCode }) => closeCode))], [code]);
        });
        // They do not answer the close frame, and the edge cuts them.
        await allClosed(`closed with ${code}`, all);
      }
      assert.equal(Number((await server.health("edge-0"))["listeners"]), 302);
    },
    (line) => t.diagnostic(line),
  );
});

test("rejects an address that connects too often, with a time to retry, and admits another address at once", async (t) => {
  await using server = await startServer({ args: ["--trusted-proxies", "127.0.0.1"] });
  await underAttack(
    server,
    async (path) => {
      const from = (address: string) => () =>
        openRawClient(server, upgradeOf(path, [`X-Forwarded-For: ${address}`]), true);
      // An address may connect 200 times a second, and 2,000 times at once.
      using all = many(0, from("203.0.113.7"));
      while (all.every(({ status }) => status !== 429) && all.length < 10_000) {
        for (let i = 0; i < 1_000; i++) all.push(from("203.0.113.7")());
        await until("all to be answered", () => all.every(({ status }) => status !== 0));
      }
      const counts = new Map<number, number>();
      for (const { status } of all) counts.set(status, (counts.get(status) ?? 0) + 1);
      t.diagnostic(`answers: ${[...counts].map(([status, count]) => `${count} of ${status}`).join(", ")}`);
      assert.deepEqual([...counts.keys()].sort(), [101, 429]);
      const refused = all.find(({ status }) => status === 429);
      assert.match(refused?.text ?? "", /retry-after: \d+[\s\S]*too-many[\s\S]*retryAfterMs/);
      using other = from("203.0.113.8")();
      await until("another address to be in", () => other.status === 101);
    },
    (line) => t.diagnostic(line),
  );
});

test("limits the places of one address, tells it when to retry, and still admits other addresses", async (t) => {
  await using server = await startServer({
    args: ["--trusted-proxies", "127.0.0.1", "--listeners-per-edge", "1000", "--listeners-per-address", "300"],
  });
  await underAttack(
    server,
    async (path) => {
      const from = (address: string) => () => openRawClient(server, upgradeOf(path, [`X-Forwarded-For: ${address}`]));
      const neighbours = (_: unknown, i: number) => from(`2001:db8:0:7::${(i + 1).toString(16)}`)();
      using all = many(0, from("203.0.113.7"));
      // All are addresses of one /64, and those of earlier rounds stay.
      for (let round = 0; round < 3; round++) {
        all.push(...Array.from({ length: 400 }, neighbours));
        await until("all to be answered", () => all.every(({ text }) => text.length > 200));
      }
      const refused = all.filter(({ closeCode }) => closeCode === 4430);
      t.diagnostic(`${all.length - refused.length} of ${all.length} are in`);
      assert.equal(all.length - refused.length, 300);
      assert.match(refused[0]?.text ?? "", /retry-after-ms=\d+/);
      await allClosed("clients beyond the limit", refused);
      assert.equal(Number((await server.health("edge-0"))["listeners"]), 302);
      using others = many(200, from("203.0.113.8"));
      await until("another address to be in", () => others.every(({ text }) => text.length > 200));
      assert.ok(others.every(({ closeCode }) => closeCode === 0));
    },
    (line) => t.diagnostic(line),
  );
});
