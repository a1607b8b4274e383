import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { completeMomentsTo, momentObjectJson, momentObjectSlot } from "@hustings/wire/listen/moments.ts";
import fc from "fast-check";
import { ok, refused } from "../testing/fake-origin.ts";
import type { HttpResponse } from "./http-get.ts";
import { PullMoments } from "./pull-moments.ts";

const HLS = "https://door.example/hls/x/index.m3u8";
const bytesOf = (text: string) => new TextEncoder().encode(text);

/** One moment in each object, from slot 0: number 1. `override` changes the answer of a request. */
function createFixture(momentSeq = 0, override: (from: number) => HttpResponse | undefined = () => undefined) {
  const clock = manualClock();
  const fetched: number[] = [];
  const seqs: number[] = [];
  const pull = new PullMoments({
    clock,
    hlsUrl: HLS,
    momentSeq,
    get: async (url) => {
      assert.ok(url.startsWith("https://door.example/hls/x/moments/"));
      const from = momentObjectSlot(url.split("/").at(-1) as string) as number;
      fetched.push(from);
      const moment = { kind: "comment", seq: from / 10 + 1, slot: from, utcMs: 0 };
      return override(from) ?? ok(bytesOf(momentObjectJson({ from, to: from + 10, moments: [moment] })));
    },
    onMoments: (moments) => seqs.push(...moments.map(({ seq }) => seq)),
  });
  let next: number | undefined;
  const hear = async (from: number, to: number) => {
    for (let slot = next ?? from; slot < to; slot += 5) {
      next = slot + 5;
      pull.onDelivered(slot, next);
      await clock.advanceAsync(1_000);
    }
  };
  return { clock, fetched, seqs, pull, hear };
}

const range = (from: number, to: number) => Array.from({ length: to + 1 - from }, (_, i) => from + i);

test("U13 fetches each object once when its sound has been delivered, from ten seconds back", async () => {
  const { fetched, seqs, hear } = createFixture();
  await hear(100, 200);
  assert.deepEqual(
    fetched,
    range(5, completeMomentsTo(200) / 10 - 1).map((n) => n * 10),
  );
  assert.deepEqual(
    seqs,
    fetched.map((from) => from / 10 + 1),
  );
});

test("U13 gives a newcomer the last twenty moments of the first objects, a returning listener those it has not", async () => {
  const full = (from: number) => {
    const moments = range(from * 10 + 1, from * 10 + 100).map((seq) => ({ kind: "c", seq, slot: from, utcMs: 0 }));
    return ok(bytesOf(momentObjectJson({ from, to: from + 10, moments })));
  };
  const newcomer = createFixture(0, full);
  await newcomer.hear(100, 105);
  assert.deepEqual(newcomer.seqs, range(981, 1_000));
  const returning = createFixture(950, full);
  await returning.hear(100, 105);
  assert.deepEqual(returning.seqs, range(951, 1_000));
});

test("U13 waits for an object that is not there yet, and passes over one that cannot be had", async () => {
  let isLate = true;
  const late = createFixture(0, (from) => (from === 100 && isLate ? refused(503, 1_000) : undefined));
  await late.hear(100, 150);
  assert.equal(late.seqs.at(-1), 10);
  isLate = false;
  await late.hear(150, 160);
  assert.deepEqual(late.seqs, range(6, 15));
  const broken = createFixture(0, (from) => (from === 100 ? ok(bytesOf("{}")) : undefined));
  await broken.hear(100, 200);
  assert.equal(broken.fetched.filter((from) => from === 100).length, 3);
  assert.deepEqual(broken.seqs, [...range(6, 10), ...range(12, 19)]);
});

test("U13 asks rarely where there are no moments, and goes on with the newest when there are", async () => {
  let hasNone = true;
  const { fetched, seqs, hear } = createFixture(0, () => (hasNone ? refused(404) : undefined));
  await hear(100, 100 + 120 * 5);
  assert.ok(fetched.length <= 5, `${fetched.length} requests in two minutes`);
  hasNone = false;
  await hear(0, 100 + 160 * 5);
  assert.ok(seqs.length > 5);
  assert.deepEqual(seqs, range(seqs[0] as number, completeMomentsTo(900) / 10));
});

test("U13 stops at once", async () => {
  const { fetched, seqs, pull, hear } = createFixture();
  pull.onDelivered(100, 130);
  pull.stop();
  await hear(130, 150);
  assert.ok(fetched.length <= 1);
  assert.deepEqual(seqs, []);
});

test("U13 hands on moments once and in order for any answers of the origin", async () => {
  const answers = fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constant(undefined) },
      fc.constantFrom(refused(404), refused(500), refused(503, 500), ok(bytesOf("[]"))),
      fc.uint8Array({ maxLength: 40 }).map(ok),
      fc.nat(60).map((from) => ok(bytesOf(momentObjectJson({ from, to: from + 10, moments: [] })))),
    ),
    { minLength: 1, maxLength: 30 },
  );
  await fc.assert(
    fc.asyncProperty(answers, async (all) => {
      let i = 0;
      const { seqs, hear } = createFixture(0, () => all[i++ % all.length]);
      await hear(0, 120);
      assert.ok(seqs.every((seq, n) => seq > (seqs[n - 1] ?? 0)));
    }),
    { numRuns: 50 },
  );
});
