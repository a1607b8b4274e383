import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { encodeFragment } from "@hustings/wire/log/fragment-encode.ts";
import fc from "fast-check";
import { initSegment, mediaSegment } from "../container/cmaf.ts";
import { BadCmaf, readPackets } from "../container/cmaf-reader.ts";
import { fillerPackets } from "../container/filler.ts";
import { HOLD_AFTER_SLOTS, hlsObject, packetsOf } from "./opus-parts.ts";
import { mediaPlaylist, objectName, objectOf } from "./playlist.ts";
import { type HlsLog, type HlsMarks, hlsWindow, isListed, objectAt } from "./segments.ts";

const MARKS: HlsMarks = {
  liveSlot: 0,
  endedSlot: undefined,
  anchors: [{ slot: 0, utcMs: Date.UTC(2023, 4, 24, 22) }],
  absences: [],
  gaps: [],
  airs: [{ slot: 0, air: "voice" }],
};

interface Told extends Partial<HlsMarks> {
  /** The log has slots `[from, to)`, except those of `holes`. */
  readonly from?: number;
  readonly to: number;
  readonly holes?: readonly number[];
  readonly isOver?: boolean;
  readonly isSilent?: boolean;
}

function logOf({ from = 0, to, holes = [], isOver = false, isSilent = false, ...marks }: Told): HlsLog {
  return {
    marks: { ...MARKS, ...marks },
    headSlot: to - 1,
    oldestSlot: from,
    isOver,
    fragment: (slot) => (slot < from || slot >= to || holes.includes(slot) ? undefined : fragmentOf(slot, isSilent)),
  };
}

function fragmentOf(slot: number, isSilent: boolean): Uint8Array {
  const packets = Array.from({ length: 10 }, (_, i) => new Uint8Array(20).fill((slot * 10 + i) & 255));
  return encodeFragment({ slot, levels: isSilent ? [] : [{ seat: 0, levelDbov: 20 }], packets });
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const spans = (log: HlsLog) => hlsWindow(log).segments.map(({ number, from, to }) => [number, from, to]);
const playlistOf = (log: HlsLog) => {
  const window = hlsWindow(log);
  return mediaPlaylist({ window, marks: log.marks, reports: [{ folder: "16", window }] });
};

test("segments last four seconds and parts one, counted from the slot at which the space went live", () => {
  const log = logOf({ liveSlot: 7, from: 7, to: 7 + 33 });
  const { segments, nextPart } = hlsWindow(log);
  assert.deepEqual(spans(log), [
    [0, 7, 27],
    [1, 27, 47],
  ]);
  assert.deepEqual(segments[1]?.parts, [
    { from: 27, to: 32 },
    { from: 32, to: 37 },
  ]);
  assert.equal(nextPart, 37);
  assert.deepEqual(objectAt(log, hlsWindow(log), "part", 37), "next");
  assert.deepEqual(objectAt(log, hlsWindow(log), "part", 42), "none");
  assert.deepEqual(objectAt(log, hlsWindow(log), "part", 33), "none");
});

test("a playlist lists six whole segments, the parts of the last three, dates by the anchor, and the next part", () => {
  const text = playlistOf(logOf({ to: 187 }));
  assert.match(text, /#EXT-X-MEDIA-SEQUENCE:3\n/);
  assert.deepEqual(text.match(/^s\d+\.m4s$/gm), ["s60.m4s", "s80.m4s", "s100.m4s", "s120.m4s", "s140.m4s", "s160.m4s"]);
  assert.equal(text.match(/#EXT-X-PART:/g)?.length, 13);
  assert.match(text, /#EXT-X-PROGRAM-DATE-TIME:2023-05-24T22:00:12.000Z\n#EXTINF:4.00000,\ns60.m4s/);
  assert.match(
    text,
    /TYPE=PART,URI="p185.m4s"\n#EXT-X-RENDITION-REPORT:URI="..\/16\/index.m3u8",LAST-MSN=9,LAST-PART=0/,
  );
  assert.match(text, /#EXT-X-TARGETDURATION:4\n.*PART-HOLD-BACK=3.00000,HOLD-BACK=12.00000\n.*PART-TARGET=1.00000\n/);
});

test("a declared absence becomes filler, and a late slot holds back the slots after it", () => {
  const late = logOf({ to: 47, holes: [32, 33] });
  assert.equal(hlsWindow(late).to, 32);
  const declared = logOf({ to: 47, holes: [32, 33], absences: [{ from: 32, to: 34 }] });
  assert.equal(hlsWindow(declared).to, 47);
  const packets = packetsOf(declared, { from: 30, to: 35 }, []);
  assert.equal(packets.length, 50);
  assert.deepEqual(packets.slice(20, 40), [...fillerPackets(32), ...fillerPackets(33)]);
});

test("a hole that was given up hides everything before it, and the playlist continues after it", () => {
  const log = logOf({ to: 120, holes: [50] });
  assert.deepEqual(spans(log), [
    [3, 60, 80],
    [4, 80, 100],
    [5, 100, 120],
  ]);
});

test("a gap is a discontinuity: the segment before it is short, numbers continue, and the date follows the anchor", () => {
  const anchors = [...MARKS.anchors, { slot: 132, utcMs: Date.UTC(2023, 4, 24, 22, 1) }];
  const log = logOf({ to: 160, holes: range(33, 132), gaps: [{ from: 33, to: 132 }], anchors });
  assert.deepEqual(spans(log), [
    [0, 0, 20],
    [1, 20, 33],
    [2, 132, 152],
    [3, 152, 172],
  ]);
  const text = playlistOf(log);
  assert.match(text, /#EXTINF:2.60000,\ns20.m4s\n#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="init.mp4"\n/);
  assert.match(text, /#EXT-X-PROGRAM-DATE-TIME:2023-05-24T22:01:00.000Z\n#EXT-X-PART/);
  assert.equal(hlsWindow(log).discontinuitySequence, 0);
  const later = { ...log, oldestSlot: 140, headSlot: 300, fragment: (slot: number) => fragmentOf(slot, false) };
  assert.equal(hlsWindow(later).discontinuitySequence, 1);
});

test("lists the end once everything before it is there, or once nothing more can arrive", () => {
  const here = playlistOf(logOf({ to: 48, endedSlot: 48 }));
  assert.match(here, /#EXTINF:1.60000,\ns40.m4s\n#EXT-X-ENDLIST\n$/);
  assert.doesNotMatch(playlistOf(logOf({ to: 46, endedSlot: 48 })), /ENDLIST/);
  assert.match(playlistOf(logOf({ to: 46, endedSlot: 48, isOver: true })), /#EXTINF:1.20000,\ns40.m4s\n#EXT-X-ENDLIST/);
});

test("a reload waits for its part, unless that is too far ahead", () => {
  const window = hlsWindow(logOf({ to: 47 }));
  const cases: readonly [number, number | undefined, boolean | "never"][] = [
    [1, undefined, true],
    [1, 3, true],
    [1, 4, true],
    [2, 0, true],
    [2, 1, false],
    [2, undefined, false],
    [3, 0, false],
    [4, undefined, "never"],
    [2, 5, "never"],
  ];
  for (const [number, part, expected] of cases)
    assert.equal(isListed(window, number, part), expected, `${number} ${part}`);
});

test("a listed segment keeps its number, slots and bytes while the log grows", () => {
  const events = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant("sound"), slots: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ kind: fc.constant("missing"), slots: fc.integer({ min: 1, max: 120 }) }),
    ),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 50 }), events, (liveSlot, list) => {
      const declared: { absences: HlsMarks["absences"][number][]; gaps: HlsMarks["gaps"][number][] } = {
        absences: [],
        gaps: [],
      };
      const seen = new Map<number, string>();
      const holes = new Set<number>();
      let to = liveSlot;
      for (const { kind, slots } of list) {
        if (kind === "missing") {
          for (const slot of range(to, to + slots)) holes.add(slot);
          (slots > 50 ? declared.gaps : declared.absences).push({ from: to, to: to + slots });
        }
        to += slots;
        const from = Math.max(liveSlot, to - 300);
        const log = logOf({ ...declared, liveSlot, from, to, holes: [...holes] });
        const window = hlsWindow(log);
        for (const [index, { number, from: first, to: end, isWhole, parts }] of window.segments.entries()) {
          if (index > 0) assert.equal(number, (window.segments[index - 1]?.number ?? 0) + 1);
          assert.equal(parts.reduce((sum, part) => sum + part.to - part.from, 0) === end - first, isWhole);
          if (!isWhole) continue;
          assert.deepEqual(objectAt(log, window, "segment", first), { from: first, to: end });
          const bytes = Buffer.from(hlsObject(log, { from: first, to: end }, [])).toString("base64");
          assert.equal(seen.get(number) ?? `${first} ${bytes}`, `${first} ${bytes}`);
          seen.set(number, `${first} ${bytes}`);
        }
      }
    }),
    { numRuns: 60 },
  );
});

test("a segment is its parts one after another, and ffprobe finds every packet at its time", () => {
  const log = logOf({ from: 100, to: 140 });
  const parts = [100, 105, 110, 115].map((from) => hlsObject(log, { from, to: from + 5 }, []));
  const segment = hlsObject(log, { from: 100, to: 120 }, []);
  assert.deepEqual(Buffer.concat(parts), Buffer.from(segment));
  const entries = ["-show_entries", "packet=pts,size", "-of", "csv=p=0"];
  const found = execFileSync("ffprobe", ["-v", "error", "-f", "mp4", ...entries, "pipe:0"], {
    input: Buffer.concat([initSegment(), segment]),
  });
  const rows = String(found).trim().split("\n");
  assert.equal(rows.length, 200);
  assert.deepEqual([rows[0], rows[199]], ["960000,20", `${960000 + 199 * 960},20`]);
});

test("plays the loop while nobody is on air, from a second after the entry, and never over a voice", () => {
  const loop = Array.from({ length: 30 }, (_, i) => Uint8Array.of(i));
  const airs = [{ slot: 10, air: "hold" } as const, { slot: 40, air: "voice" } as const];
  const silent = logOf({ to: 60, airs, isSilent: true });
  const first = (slot: number) => packetsOf(silent, { from: slot, to: slot + 1 }, loop)[0] as Uint8Array;
  assert.equal(first(10 + HOLD_AFTER_SLOTS - 1).length, 20);
  assert.deepEqual(
    [15, 16, 17, 18].map((slot) => first(slot)[0]),
    [0, 10, 20, 0],
  );
  assert.equal(first(40).length, 20);
  const spoken = logOf({ to: 60, airs });
  assert.equal(packetsOf(spoken, { from: 20, to: 21 }, loop)[0]?.length, 20);
});

test("reads the names of objects, and refuses all others", () => {
  fc.assert(
    fc.property(fc.constantFrom("part" as const, "segment" as const), fc.nat(4_294_967_295), (kind, from) => {
      assert.deepEqual(objectOf(objectName(kind, from)), { kind, from });
    }),
  );
  fc.assert(
    fc.property(fc.string(), (name) => {
      const object = objectOf(name);
      if (object) assert.equal(objectName(object.kind, object.from), name);
    }),
  );
});

test("reads the packets of our own file, and a damaged file gives packets or BadCmaf", () => {
  const packets = Array.from({ length: 20 }, (_, i) => new Uint8Array(i + 1).fill(i));
  const file = Buffer.concat([
    initSegment(),
    mediaSegment({ sequence: 1, decodeTimeSamples: 0, packets: packets.slice(0, 15) }),
    mediaSegment({ sequence: 2, decodeTimeSamples: 15 * 960, packets: packets.slice(15) }),
  ]);
  assert.deepEqual(
    readPackets(file).map((packet) => [...packet]),
    packets.map((packet) => [...packet]),
  );
  fc.assert(
    fc.property(fc.nat(file.length - 1), fc.nat(255), fc.nat(file.length), (at, byte, length) => {
      const damaged = Uint8Array.from(file.subarray(0, length));
      if (at < length) damaged[at] = byte;
      try {
        readPackets(damaged);
      } catch (cause) {
        assert.ok(cause instanceof BadCmaf);
      }
    }),
  );
});
