import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createPlayoutBuffer, MAX_CONCEAL_SAMPLES, type PlayoutAction, type PlayoutBuffer } from "./playout-buffer.ts";

/** A 20 ms packet that carries its number. */
function numbered(index: number): Uint8Array {
  return Uint8Array.of(0x78, 0, index >> 8, index & 0xff, 1, 2, 3, 4);
}

function numberOf(opus: Uint8Array): number {
  return ((opus[2] ?? 0) << 8) | (opus[3] ?? 0);
}

interface Arrival {
  readonly index: number;
  readonly arrivalMs: number;
  readonly redundant?: boolean;
  readonly levelDbov?: number;
}

const FIRST_TIMESTAMP = 0xffffe000;

function push(buffer: PlayoutBuffer, { index, arrivalMs, redundant = false, levelDbov = 20 }: Arrival): void {
  const timestamp = (FIRST_TIMESTAMP + index * 960) >>> 0;
  buffer.push({ timestamp, opus: numbered(index), arrivalMs, redundant, levelDbov });
}

/** Plays `ticks` ticks of 20 ms against arrivals; the mixer's clock is 5 ms off the sender's. */
function play(buffer: PlayoutBuffer, arrivals: readonly Arrival[], ticks: number): PlayoutAction[] {
  const queue = arrivals.toSorted((a, b) => a.arrivalMs - b.arrivalMs);
  const pieces: PlayoutAction[] = [];
  for (let tick = 0; tick < ticks; tick += 1) {
    const nowMs = tick * 20 + 5;
    while (queue[0] !== undefined && queue[0].arrivalMs <= nowMs) push(buffer, queue.shift() as Arrival);
    pieces.push(buffer.pop(nowMs));
  }
  return pieces;
}

function playedNumbers(pieces: readonly PlayoutAction[]): number[] {
  return pieces.flatMap((piece) => (piece.kind === "packet" ? [numberOf(piece.opus)] : []));
}

function count(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}

const steady = (length: number): Arrival[] => count(length).map((index) => ({ index, arrivalMs: index * 20 }));

test("gives silence before the first packet", () => {
  const buffer = createPlayoutBuffer();
  assert.deepEqual(buffer.pop(0), { kind: "silence", durationSamples: 960 });
});

test("plays packets that arrive in time once, in order, 40 ms later, also when the timestamp wraps", () => {
  const buffer = createPlayoutBuffer();
  const pieces = play(buffer, steady(100), 102);
  assert.deepEqual(playedNumbers(pieces), count(100));
  assert.equal(
    pieces.findIndex(({ kind }) => kind === "packet"),
    2,
  );
  assert.equal(buffer.stats().concealed, 0);
});

test("plays reordered and duplicated packets once and in order when they arrive within the delay", () => {
  const jitter = fc.array(fc.record({ late: fc.integer({ min: 0, max: 39 }), twice: fc.boolean() }), {
    minLength: 5,
    maxLength: 80,
  });
  const property = fc.property(jitter, (packets) => {
    const buffer = createPlayoutBuffer({ startDelayMs: 100 });
    const arrivals = packets.flatMap(({ late, twice }, index) => {
      const arrival = { index, arrivalMs: index * 20 + late };
      return twice ? [arrival, { index, arrivalMs: index * 20 + late + 3 }] : [arrival];
    });
    const pieces = play(buffer, arrivals, packets.length + 20);
    assert.deepEqual(playedNumbers(pieces), count(packets.length));
    assert.equal(buffer.stats().duplicate, packets.filter(({ twice }) => twice).length);
  });
  fc.assert(property, { numRuns: 300 });
});

test("arbitrary packets give one action per pop, in order, and never a long concealment", () => {
  const event = fc.oneof(
    fc.record({
      timestamp: fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 96_000 })),
      opus: fc.oneof(fc.constant(numbered(1)), fc.uint8Array({ maxLength: 6 })),
      redundant: fc.boolean(),
    }),
    fc.constant("tick" as const),
    fc.constant("tick" as const),
  );
  const property = fc.property(fc.array(event, { maxLength: 400 }), (events) => {
    const buffer = createPlayoutBuffer();
    let nowMs = 0;
    let concealed = 0;
    for (const step of events) {
      if (step !== "tick") {
        buffer.push({ ...step, arrivalMs: nowMs });
        continue;
      }
      const piece = buffer.pop(nowMs);
      nowMs += piece.durationSamples / 48;
      assert.ok(piece.durationSamples >= 120 && piece.durationSamples <= 5760 && piece.durationSamples % 120 === 0);
      concealed = piece.kind === "conceal" ? concealed + piece.durationSamples : 0;
      assert.ok(concealed < 2 * (MAX_CONCEAL_SAMPLES + 5760));
    }
    const { targetMs } = buffer.stats();
    assert.ok(targetMs >= 20 && targetMs <= 400);
  });
  fc.assert(property, { numRuns: 1000 });
});

test("plays the redundant copy of a lost packet", () => {
  const buffer = createPlayoutBuffer();
  const lost = new Set([20, 21, 40]);
  const copies = count(60).flatMap((index) => [1, 2].map((back) => ({ index: index - back, after: index })));
  const arrivals: Arrival[] = [
    ...steady(60).filter(({ index }) => !lost.has(index)),
    ...copies
      .filter(({ index, after }) => index >= 0 && !lost.has(after))
      .map(({ index, after }) => ({ index, arrivalMs: after * 20, redundant: true })),
  ];
  const pieces = play(buffer, arrivals, 64);
  assert.deepEqual(new Set(playedNumbers(pieces)), new Set(count(60)));
  assert.equal(buffer.stats().recoveredFromRed, 3);
  assert.equal(buffer.stats().duplicate, 0);
});

test("conceals a lost packet for its length and plays the following ones on time", () => {
  const buffer = createPlayoutBuffer();
  const arrivals = steady(50).filter(({ index }) => index < 20 || index > 22);
  const pieces = play(buffer, arrivals, 52);
  const after = pieces.findIndex((piece) => piece.kind === "packet" && numberOf(piece.opus) === 23);
  assert.equal(after, 2 + 23);
  assert.equal(pieces.filter(({ kind }) => kind === "conceal").length, 3);
});

test("conceals for 100 ms when packets stop, then gives silence until the next packet", () => {
  const buffer = createPlayoutBuffer();
  const back = count(50).map((index) => ({ index: index + 150, arrivalMs: (index + 150) * 20 }));
  const pieces = play(buffer, [...steady(50), ...back], 202);
  assert.equal(pieces.filter(({ kind }) => kind === "conceal").length, 5);
  assert.deepEqual(playedNumbers(pieces), [...count(50), ...count(50).map((index) => index + 150)]);
});

test("gives silence at once when a sender pauses with DTX", () => {
  const buffer = createPlayoutBuffer();
  for (const arrival of steady(20)) push(buffer, arrival);
  const timestamp = (FIRST_TIMESTAMP + 20 * 960) >>> 0;
  buffer.push({ timestamp, opus: Uint8Array.of(0x78), arrivalMs: 400, redundant: false });
  const kinds = count(40).map((tick) => buffer.pop(45 + tick * 20).kind);
  assert.deepEqual(kinds.slice(0, 21), new Array(21).fill("packet"));
  assert.deepEqual(kinds.slice(21), new Array(19).fill("silence"));
});

test("counts late packets and grows the delay until they arrive in time", () => {
  const buffer = createPlayoutBuffer();
  const arrivals = count(300).map((index) => ({ index, arrivalMs: index * 20 + (index % 4 === 3 ? 90 : 0) }));
  const pieces = play(buffer, arrivals, 306);
  const { late, targetMs } = buffer.stats();
  assert.ok(late > 0 && late < 10, `${late}`);
  assert.ok(targetMs >= 90 && targetMs < 130, `${targetMs}`);
  const numbers = playedNumbers(pieces);
  assert.deepEqual(numbers.slice(-200), count(300).slice(-200));
});

test("shrinks the delay slowly, where the sound is quiet", () => {
  const buffer = createPlayoutBuffer();
  const arrivals = count(3000).map((index) => {
    const levelDbov = index % 50 < 10 ? 80 : 20;
    return { index, arrivalMs: index * 20 + (index < 100 && index % 4 === 3 ? 150 : 0), levelDbov };
  });
  const queue = arrivals.toSorted((a, b) => a.arrivalMs - b.arrivalMs);
  let most = 0;
  for (let tick = 0; tick < 3000; tick += 1) {
    while ((queue[0]?.arrivalMs ?? Number.POSITIVE_INFINITY) <= tick * 20 + 5) push(buffer, queue.shift() as Arrival);
    const piece = buffer.pop(tick * 20 + 5);
    most = Math.max(most, buffer.stats().delayMs);
    if (piece.kind !== "packet" || piece.skipped === undefined || tick < 200) continue;
    assert.ok(numberOf(piece.skipped) % 50 < 10, "dropped where it was quiet");
  }
  const { delayMs, dropped } = buffer.stats();
  assert.ok(most >= 150 && delayMs <= 60, `${most} ${delayMs}`);
  assert.ok(dropped >= 4, `${dropped}`);
});

for (const [name, drift] of [
  ["slower", 1.003],
  ["faster", 0.997],
] as const) {
  test(`keeps the delay for ten minutes when the sender's clock is 0.3 % ${name}`, () => {
    const buffer = createPlayoutBuffer();
    const arrivals = count(30_000).map((index) => ({
      index,
      arrivalMs: index * 20 * drift,
      levelDbov: index % 100 < 20 ? 90 : 20,
    }));
    const queue = [...arrivals];
    let next = 0;
    for (let tick = 0; tick < 29_000; tick += 1) {
      const nowMs = tick * 20 + 5;
      while ((queue[next]?.arrivalMs ?? Number.POSITIVE_INFINITY) <= nowMs) {
        push(buffer, queue[next] as Arrival);
        next += 1;
      }
      buffer.pop(nowMs);
      const { delayMs } = buffer.stats();
      assert.ok(tick < 5 || (delayMs > 0 && delayMs < 140), `${delayMs} at ${tick}`);
    }
    const { late, concealed, inserted, dropped } = buffer.stats();
    assert.ok(late === 0, `${late} late`);
    assert.ok(drift > 1 ? concealed + inserted > 50 : dropped > 50, `${concealed} ${inserted} ${dropped}`);
  });
}

test("limits the delay to about 400 ms after a stall that ends in a burst", () => {
  const buffer = createPlayoutBuffer();
  const arrivals = count(300).map((index) => ({ index, arrivalMs: Math.max(index * 20, index < 150 ? 0 : 5000) }));
  play(buffer, arrivals, 300);
  const { delayMs } = buffer.stats();
  assert.ok(delayMs <= 460, `${delayMs}`);
});

test("refuses one stray packet, and follows three in a row that agree", () => {
  const buffer = createPlayoutBuffer();
  for (const arrival of steady(10)) push(buffer, arrival);
  const stray = (index: number) =>
    buffer.push({
      timestamp: 1_000_000_000 + index * 960,
      opus: numbered(500 + index),
      arrivalMs: 200,
      redundant: false,
    });
  stray(0);
  assert.equal(buffer.stats().refused, 1);
  push(buffer, { index: 10, arrivalMs: 200 });
  for (const index of [0, 1, 2, 3, 4]) stray(index);
  const pieces = count(8).map((tick) => buffer.pop(200 + tick * 20));
  assert.deepEqual(playedNumbers(pieces), [502, 503, 504]);
});

test("starts from the first packet of another stream after a reset", () => {
  const buffer = createPlayoutBuffer();
  for (const arrival of steady(10)) push(buffer, arrival);
  buffer.reset();
  assert.equal(buffer.pop(300).kind, "silence");
  buffer.push({ timestamp: 7, opus: numbered(900), arrivalMs: 300, redundant: false });
  assert.deepEqual(playedNumbers([buffer.pop(300), buffer.pop(320), buffer.pop(340)]), [900]);
});

test("plays packets of 10 and 60 ms for their own duration", () => {
  for (const [toc, samples] of [
    [0x70, 480],
    [0x58, 2880],
  ] as const) {
    const buffer = createPlayoutBuffer();
    const stepMs = samples / 48;
    const durations: number[] = [];
    for (let index = 0; index < 20; index += 1) {
      const opus = Uint8Array.of(toc, 0, index);
      buffer.push({ timestamp: index * samples, opus, arrivalMs: index * stepMs, redundant: false });
      const piece = buffer.pop(index * stepMs + 1);
      if (piece.kind === "packet") durations.push(piece.durationSamples);
    }
    assert.ok(durations.length >= 15 && durations.every((duration) => duration === samples), durations.join(" "));
  }
});

test("keeps a bounded number of packets, the newest", () => {
  const buffer = createPlayoutBuffer();
  for (let index = 0; index < 700; index += 1) {
    const opus = Uint8Array.of(0xe0, index >> 8, index & 0xff);
    buffer.push({ timestamp: index * 120, opus, arrivalMs: 0, redundant: false });
  }
  assert.equal(buffer.stats().dropped, 700 - 256);
});
