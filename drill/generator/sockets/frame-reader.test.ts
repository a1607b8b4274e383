import assert from "node:assert/strict";
import { test } from "node:test";
import { noticeFrame, soundFrame } from "@hustings/wire/listen/frames.ts";
import { encodeFragment } from "@hustings/wire/log/fragment-encode.ts";
import fc from "fast-check";
import { FrameReader, type FrameSink } from "./frame-reader.ts";

const ANSWER = Buffer.from("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");

test("reports the same slots, messages and close for any cutting of the bytes", () => {
  const frames = [
    sound(10, 14),
    notice(),
    sound(14, 15),
    sound(15, 40),
    Buffer.from([0x89, 1, 7]),
    close(4505, "draining"),
  ];
  const stream = Buffer.concat([ANSWER, ...frames]);
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.integer({ min: 1, max: 4_000 }), { minLength: 1 }), { minLength: 1, maxLength: 4 }),
      (people) => {
        const { reader, eventsOf } = startReader(people.length);
        for (const [i, cuts] of people.entries()) feed(reader, i, stream, cuts);
        people.forEach((_, i) => {
          assert.deepEqual(eventsOf(i), [
            "answered 101",
            "sound 10-14",
            "message 5",
            "sound 14-15",
            "sound 15-40",
            "pinged 1",
            "closed 4505 draining",
          ]);
        });
      },
    ),
    { numRuns: 60 },
  );
});

test("verifies two listeners whose reads interleave inside a frame of unverified sound", () => {
  const { reader, eventsOf } = startReader(2);
  const stream = Buffer.concat([ANSWER, sound(10, 30)]);
  const half = Math.floor(stream.length / 2);
  reader.begin(0);
  reader.begin(1);
  reader.read(0, stream, half);
  reader.read(1, stream, stream.length);
  reader.read(0, stream.subarray(half), stream.length - half);
  for (const i of [0, 1]) assert.deepEqual(eventsOf(i), ["answered 101", "sound 10-30"]);
});

test("verifies listeners with and without skipped slots, in any order", () => {
  const ranges = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 1, max: 9 })), { minLength: 1, maxLength: 12 })
    .map((steps) => {
      let at = 10;
      return steps.map(([skipped, sent]) => {
        const from = at + skipped;
        at = from + sent;
        return [from, at] as const;
      });
    });
  fc.assert(
    fc.property(
      fc.array(ranges, { minLength: 2, maxLength: 4 }),
      fc.integer({ min: 30, max: 9_000 }),
      (people, cut) => {
        const { reader, eventsOf } = startReader(people.length);
        for (const [i, frames] of people.entries())
          feed(reader, i, Buffer.concat([ANSWER, ...frames.map(([from, to]) => sound(from, to))]), [cut]);
        for (const [i, frames] of people.entries())
          assert.deepEqual(eventsOf(i), ["answered 101", ...frames.map(([from, to]) => `sound ${from}-${to}`)]);
      },
    ),
  );
});

test("finds a flipped bit for the first listener of a frame and for later ones", () => {
  const good = Buffer.concat([ANSWER, sound(10, 30)]);
  fc.assert(
    fc.property(
      fc.integer({ min: ANSWER.length + 11, max: good.length - 1 }),
      fc.integer({ min: 0, max: 7 }),
      fc.boolean(),
      (at, bit, isFirst) => {
        const { reader, eventsOf } = startReader(2);
        if (!isFirst) feed(reader, 1, good, [5_000]);
        const bad = Buffer.from(good);
        bad[at] = (bad[at] as number) ^ (1 << bit);
        feed(reader, 0, bad, [5_000]);
        assert.ok(eventsOf(0).at(-1)?.startsWith("broken"), eventsOf(0).join(", "));
      },
    ),
    { numRuns: 150 },
  );
});

test("reads any bytes or reports them broken once, and then reads no more", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 4_000 }),
      fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 1 }),
      (bytes, cuts) => {
        const { reader, eventsOf } = startReader(1);
        feed(reader, 0, Buffer.concat([ANSWER, Buffer.from(bytes)]), cuts);
        const ends = eventsOf(0).filter((line) => /^(?:broken|closed)/.test(line));
        assert.ok(ends.length <= 1);
        if (ends.length === 1) assert.equal(eventsOf(0).at(-1), ends[0]);
      },
    ),
  );
});

test("reports the status of a refusal and ignores its body", () => {
  const { reader, eventsOf } = startReader(1);
  feed(reader, 0, Buffer.from("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\n\r\n{}"), [9]);
  assert.deepEqual(eventsOf(0), ["answered 503"]);
});

function startReader(capacity: number): { readonly reader: FrameReader; eventsOf(i: number): string[] } {
  const events = Array.from({ length: capacity }, (): string[] => []);
  const record = (i: number, text: string): void => void events[i]?.push(text);
  const sink: FrameSink = {
    answered(i, status) {
      record(i, `answered ${status}`);
      return status === 101;
    },
    sound: (i, from, to) => record(i, `sound ${from}-${to}`),
    message: (i, kind) => record(i, `message ${kind}`),
    pinged: (i, payload) => record(i, `pinged ${payload.length}`),
    closed: (i, code, reason) => record(i, `closed ${code} ${reason}`),
    broken: (i, why) => record(i, `broken: ${why}`),
  };
  return { reader: new FrameReader(capacity, sink), eventsOf: (i) => events[i] ?? [] };
}

function feed(reader: FrameReader, i: number, stream: Buffer, cuts: readonly number[]): void {
  const lent = Buffer.alloc(64 * 1024);
  reader.begin(i);
  for (let at = 0, n = 0; at < stream.length; n++) {
    const length = Math.min(cuts[n % cuts.length] as number, stream.length - at);
    stream.copy(lent, 0, at, at + length);
    reader.read(i, lent, length);
    at += length;
  }
}

function sound(from: number, to: number): Buffer {
  const fragments = Array.from({ length: to - from }, (_, n) => {
    const packets = Array.from({ length: 10 }, (_, k) =>
      new Uint8Array(60 + ((from + n + k) % 30)).fill((from + n) * 7 + k),
    );
    return encodeFragment({ slot: from + n, levels: [], packets });
  });
  return framed(0x82, soundFrame("32", fragments));
}

function notice(): Buffer {
  return framed(0x82, noticeFrame({ kind: "audience", audience: 12 }));
}

function close(code: number, reason: string): Buffer {
  const payload = Buffer.alloc(2 + reason.length);
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return framed(0x88, payload);
}

function framed(first: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(payload.length < 126 ? 2 : 4);
  head[0] = first;
  head[1] = payload.length < 126 ? payload.length : 126;
  if (payload.length >= 126) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}
