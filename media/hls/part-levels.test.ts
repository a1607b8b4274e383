import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import { encodeFragment } from "@hustings/wire/log/fragment-encode.ts";
import fc from "fast-check";
import { BufferSource, EncodedPacketSink, Input, MP4 } from "mediabunny";
import { decodeOgg } from "../codec/decode-ogg.ts";
import { loadOpus } from "../codec/opus.ts";
import { initSegment, mediaSegment, mediaSegmentSize } from "../container/cmaf.ts";
import { readSlots } from "../container/cmaf-reader.ts";
import { hlsObject } from "./opus-parts.ts";
import { type LevelRun, levelBox, MAX_LEVEL_BOX_BYTES, readLevels } from "./part-levels.ts";
import { OPUS_VARIANTS } from "./playlist.ts";
import { type HlsLog, SEGMENT_SECONDS, SEGMENT_SLOTS } from "./segments.ts";

const seatLevel: fc.Arbitrary<SeatLevel> = fc.record(
  { seat: fc.nat(19), levelDbov: fc.nat(127) },
  { noNullPrototype: true },
);
/** As the stage orders them: each seat once, loudest first, equally loud seats by number. */
const slotLevels = fc
  .uniqueArray(seatLevel, { maxLength: 4, selector: ({ seat }) => seat })
  .map((levels) => levels.toSorted((a, b) => a.levelDbov - b.levelDbov || a.seat - b.seat));
const someHeard: fc.Arbitrary<LevelRun> = fc
  .record(
    { from: fc.nat(0xffffffff - 4), levels: fc.array(slotLevels, { minLength: 1, maxLength: 5 }) },
    { noNullPrototype: true },
  )
  .filter(({ levels }) => levels.some(({ length }) => length > 0));

const bodyOf = (box: Uint8Array): Uint8Array => box.subarray(8);
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const talking = (seats: number): SeatLevel[][] =>
  Array.from({ length: 5 }, (_, slot) =>
    Array.from({ length: seats }, (_, seat) => ({ seat, levelDbov: 20 + 7 * seat + slot })),
  );
/** The most expensive levels: other seats in every slot. */
const changing = (slot: number): SeatLevel[] =>
  Array.from({ length: 4 }, (_, i) => ({ seat: (slot + 5 * i) % 20, levelDbov: 30 + i }));

/** A log with slots `[0, to)` of these packets and levels. */
function logOf(to: number, packetsOf: (slot: number) => readonly Uint8Array[], levelsOf = changing): HlsLog {
  return {
    marks: {
      liveSlot: 0,
      endedSlot: undefined,
      anchors: [],
      absences: [],
      gaps: [],
      airs: [{ slot: 0, air: "voice" }],
    },
    headSlot: to - 1,
    oldestSlot: 0,
    isOver: false,
    fragment: (slot) => encodeFragment({ slot, levels: levelsOf(slot), packets: packetsOf(slot) }),
  };
}

const small = (slot: number) => Array.from({ length: 10 }, (_, i) => new Uint8Array(20).fill((slot * 10 + i) & 255));

test("a person who speaks, pauses and returns beside another gives these bytes", () => {
  const back = [
    { seat: 2, levelDbov: 22 },
    { seat: 0, levelDbov: 40 },
  ];
  const made = levelBox({
    from: 300,
    levels: [[{ seat: 2, levelDbov: 20 }], [{ seat: 2, levelDbov: 21 }], [], [], back],
  });
  const expected = [
    "0000003d 656d7367 01000000", // emsg, 61 bytes, version 1
    "0000bb80 00000000002bf200 0000bb80 0000012c", // at 48,000 a second: 300 · 9,600, for 5 · 9,600; slot 300
    "75726e3a68757374696e67733a6c6576656c73 00 00", // urn:hustings:levels, and an empty value
    "1114", // 0 001 00010 0010100: one seat, 2, at 20
    "95", // 1 0010101: the same, at 21
    "09004a0b00", // 0 000: none; 1: the same; 0 010 00000 00010 0101000 0010110: seats 0 and 2, at 40 and 22; zeros
  ];
  assert.equal(hexOf(made), expected.join("").replaceAll(" ", ""));
});

test("reads back the levels of any part, and no box is larger than the limit", () => {
  fc.assert(
    fc.property(someHeard, (run) => {
      const box = levelBox(run);
      assert.ok(box.length <= MAX_LEVEL_BOX_BYTES);
      assert.deepEqual(readLevels(bodyOf(box)), run);
    }),
  );
});

test("writes no box when nobody is heard, and the louder level of a seat that is given twice", () => {
  assert.equal(levelBox({ from: 7, levels: [[], [], [], [], []] }).length, 0);
  const twice = [4, 9].map((levelDbov) => ({ seat: 1, levelDbov }));
  assert.deepEqual(readLevels(bodyOf(levelBox({ from: 7, levels: [twice] })))?.levels, [[twice[0]]]);
});

test("levels cost 1.5 % of a part at 32 kb/s for two open microphones, 1.7 % for four, and never 2 %", (t) => {
  const partBytes = mediaSegmentSize(new Array(50).fill(80));
  const shares = [1, 2, 3, 4].map((seats) => {
    const { length } = levelBox({ from: 1_000_000, levels: talking(seats) });
    t.diagnostic(`${seats} open: ${length} bytes beside ${partBytes}`);
    return length / (partBytes + length);
  });
  assert.deepEqual(
    shares.map((share) => share <= 0.015),
    [true, true, false, false],
  );
  assert.ok((shares[3] as number) < 0.017);
  assert.ok(MAX_LEVEL_BOX_BYTES / (partBytes + MAX_LEVEL_BOX_BYTES) < 0.02);
});

test("speech with the most expensive levels stays within the bitrates of the playlist", async (t) => {
  const opus = await loadOpus();
  const speech = decodeOgg(opus, readFileSync(new URL("../voices/ben.opus", import.meta.url)));
  for (const { folder, peakBps, averageBps } of OPUS_VARIANTS) {
    using encoder = opus.encoder({ bitrateBps: Number(folder) * 1_000, tuning: "programme" });
    const packets = Array.from({ length: Math.floor(speech.length / 960) }, (_, i) =>
      encoder.encode(speech.subarray(i * 960, i * 960 + 960)),
    );
    const count = Math.floor(packets.length / 10 / SEGMENT_SLOTS);
    const log = logOf(count * SEGMENT_SLOTS, (slot) => packets.slice(slot * 10, slot * 10 + 10));
    const rates = Array.from({ length: count }, (_, i) => {
      const { length } = hlsObject(log, { from: i * SEGMENT_SLOTS, to: (i + 1) * SEGMENT_SLOTS }, []);
      return (length * 8) / SEGMENT_SECONDS;
    });
    const average = rates.reduce((sum, rate) => sum + rate, 0) / count;
    t.diagnostic(`${folder}: ${Math.round(average)} b/s, at most ${Math.max(...rates)}, in ${count} segments`);
    assert.ok(count > 0 && Math.max(...rates) <= peakBps && average <= averageBps);
  }
});

test("reads slots with their levels; filler and hold music have none", () => {
  const loop = Array.from({ length: 10 }, () => Uint8Array.of(1));
  const spoken = logOf(60, small, (slot) => (slot < 20 ? changing(slot) : []));
  const marks = { ...spoken.marks, absences: [{ from: 7, to: 9 }], airs: [{ slot: 20, air: "hold" } as const] };
  const log = { ...spoken, marks };
  for (const { from, to } of [
    { from: 5, to: 10 },
    { from: 0, to: 20 },
    { from: 20, to: 40 },
  ])
    for (const { slot, levels } of readSlots(hlsObject(log, { from, to }, loop)))
      assert.deepEqual(
        levels.toSorted(bySeat),
        slot < 20 && slot !== 7 && slot !== 8 ? changing(slot).sort(bySeat) : [],
      );
  const held = hlsObject(log, { from: 30, to: 35 }, loop);
  assert.equal(Buffer.from(held).includes("emsg"), false);
});

test("players that do not know levels find exactly the packets of a segment that carries them", async () => {
  const segment = hlsObject(logOf(20, small), { from: 0, to: 20 }, []);
  const bare = [0, 5, 10, 15].map((from) =>
    mediaSegment({
      sequence: from + 1,
      decodeTimeSamples: from * 9600,
      packets: [0, 1, 2, 3, 4].flatMap((i) => small(from + i)),
    }),
  );
  const read = async (...bytes: Uint8Array[]): Promise<string[]> => {
    const source = new BufferSource(Buffer.concat([initSegment(), ...bytes]));
    const track = await new Input({ formats: [MP4], source }).getPrimaryAudioTrack();
    const seen: string[] = [];
    assert.ok(track);
    for await (const { timestamp, data } of new EncodedPacketSink(track).packets())
      seen.push(`${timestamp} ${hexOf(data)}`);
    return seen;
  };
  const asked = ["-v", "error", "-f", "mp4", "-show_entries", "packet=pts,size", "-of", "csv=p=0", "pipe:0"];
  const probe = (...bytes: Uint8Array[]): string =>
    String(execFileSync("ffprobe", asked, { input: Buffer.concat([initSegment(), ...bytes]) }));
  const expected = await read(...bare);
  assert.equal(expected.length, 200);
  assert.deepEqual(await read(segment), expected);
  assert.equal(probe(segment), probe(...bare));
});

test("arbitrary bytes give levels that fit a fragment, or undefined", () => {
  const damaged = fc
    .tuple(someHeard, fc.array(fc.tuple(fc.nat(90), fc.nat(255)), { maxLength: 3 }), fc.nat(90))
    .map(([run, changes, length]) => {
      const body = bodyOf(levelBox(run)).slice(0, length);
      for (const [at, byte] of changes) if (at < body.length) body[at] = byte;
      return body;
    });
  const message = fc
    .tuple(someHeard, fc.uint8Array({ maxLength: 40 }))
    .map(([run, bytes]) => Buffer.concat([bodyOf(levelBox(run)).subarray(0, 45), bytes]));
  fc.assert(
    fc.property(fc.oneof(damaged, message, fc.uint8Array({ maxLength: 120 })), (body) => {
      const read = readLevels(body);
      assert.ok((read?.levels.length ?? 1) <= 5);
      for (const [i, levels] of (read?.levels ?? []).entries())
        encodeFragment({ slot: (read?.from ?? 0) + i, levels, packets: small(0) });
    }),
    { numRuns: 3_000 },
  );
});

test("ignores event messages that are damaged, foreign or of other slots, without losing sound", () => {
  const made = mediaSegment({
    sequence: 1,
    decodeTimeSamples: 40 * 9600,
    packets: [40, 41, 42, 43, 44].flatMap(small),
  });
  const good = levelBox({ from: 40, levels: talking(2) });
  const alien = Uint8Array.from(
    Buffer.from(Buffer.from(good).toString("latin1").replace("levels", "labels"), "latin1"),
  );
  const heard = (...before: Uint8Array[]) => {
    const slots = readSlots(Buffer.concat([...before, made]));
    assert.deepEqual(
      slots.map(({ slot, packets }) => [slot, packets.map(hexOf)]),
      [40, 41, 42, 43, 44].map((slot) => [slot, small(slot).map(hexOf)]),
    );
    return slots.some(({ levels }) => levels.length > 0);
  };
  assert.ok(heard(good) && heard(good, alien) && heard(alien, good));
  const others = [
    { from: 41, levels: talking(1) },
    { from: 35, levels: talking(1) },
    { from: 40, levels: talking(1).slice(1) },
  ];
  for (const other of others) assert.equal(heard(levelBox(other)), false);
  fc.assert(
    fc.property(fc.nat(good.length - 9), fc.uint8Array({ minLength: 1, maxLength: 60 }), (at, bytes) => {
      const bad = good.slice();
      bad.set(bytes.subarray(0, bad.length - 8 - at), 8 + at);
      heard(bad);
    }),
    { numRuns: 500 },
  );
});

function bySeat(a: SeatLevel, b: SeatLevel): number {
  return a.seat - b.seat;
}
