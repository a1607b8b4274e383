import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeFragment } from "@hustings/wire/log/fragment-encode.ts";
import fc from "fast-check";
import { mediaSegment } from "../container/cmaf.ts";
import { BadCmaf, readSlots } from "../container/cmaf-reader.ts";
import { hlsObject } from "./opus-parts.ts";
import { mediaPlaylist } from "./playlist.ts";
import { BadPlaylist, readPlaylist } from "./playlist-reader.ts";
import { type HlsLog, hlsWindow } from "./segments.ts";

const UTC_MS = Date.UTC(2023, 4, 24, 22);

/** A log with slots `[0, to)`, except those of `gap`. */
function logOf(to: number, gap?: { readonly from: number; readonly to: number }, endedSlot?: number): HlsLog {
  const isIn = (slot: number) => slot < to && !(gap && slot >= gap.from && slot < gap.to);
  const anchors = [{ slot: 0, utcMs: UTC_MS }, ...(gap ? [{ slot: gap.to, utcMs: UTC_MS + 60_000 }] : [])];
  return {
    marks: { liveSlot: 0, endedSlot, anchors, absences: [], gaps: gap ? [gap] : [], airs: [{ slot: 0, air: "voice" }] },
    headSlot: to - 1,
    oldestSlot: 0,
    isOver: false,
    fragment: (slot) => (isIn(slot) ? encodeFragment({ slot, levels: [], packets: packetsOf(slot) }) : undefined),
  };
}

const packetsOf = (slot: number) => Array.from({ length: 10 }, (_, i) => Uint8Array.of(0xf8, slot & 255, i));
const textOf = (log: HlsLog, isPlain = false) =>
  mediaPlaylist({
    window: hlsWindow(log),
    marks: log.marks,
    reports: [{ folder: "16", window: hlsWindow(log) }],
    isPlain,
  });

test("reads our low-latency playlist: segments, parts, the next part, and dates", () => {
  const read = readPlaylist(textOf(logOf(47)));
  assert.deepEqual(
    read.segments.map(({ whole, parts }) => [whole?.from, whole?.to, parts.map(({ from }) => from)]),
    [
      [0, 20, [0, 5, 10, 15]],
      [20, 40, [20, 25, 30, 35]],
      [undefined, undefined, [40]],
    ],
  );
  assert.deepEqual([read.canBlock, read.isEnded, read.targetDurationMs], [true, false, 4_000]);
  assert.deepEqual([read.nextNumber, read.nextPart, read.from, read.to], [2, 1, 0, 45]);
  assert.deepEqual(read.anchors, [{ slot: 0, utcMs: UTC_MS }]);
});

test("a plain playlist has only segments; an ended one says that it ended", () => {
  const read = readPlaylist(textOf(logOf(47), true));
  assert.deepEqual([read.canBlock, read.nextNumber, read.nextPart, read.to], [false, 2, 0, 40]);
  const ended = readPlaylist(textOf(logOf(48, undefined, 48)));
  assert.deepEqual([ended.isEnded, ended.to, ended.segments.at(-1)?.whole?.to], [true, 48, 48]);
});

test("reads a gap as slots that do not exist, and the date after it as another anchor", () => {
  const read = readPlaylist(textOf(logOf(140, { from: 33, to: 100 })));
  assert.deepEqual(read.gaps, [{ from: 33, to: 100 }]);
  assert.deepEqual(read.anchors, [
    { slot: 0, utcMs: UTC_MS },
    { slot: 100, utcMs: UTC_MS + 60_000 },
  ]);
});

test("reads addresses that a CDN rewrote, by their names", () => {
  const text = textOf(logOf(45)).replaceAll(/(p\d+\.m4s)/g, "//cdn.example/a/$1?token=x");
  assert.deepEqual(readPlaylist(text).segments.at(-1)?.parts, [
    { uri: "//cdn.example/a/p40.m4s?token=x", from: 40, to: 45 },
  ]);
});

test("refuses other playlists with a BadPlaylist that names the reason", () => {
  const good = textOf(logOf(47));
  for (const bad of [
    "",
    "<!doctype html>",
    "#EXTM3U\n",
    good.replace("s20.m4s", "s25.m4s"),
    good.replace("s20.m4s", "s20.ts"),
    good.replace("p40.m4s", "p45.m4s"),
    good.replace("EXTINF:4.00000", "EXTINF:400"),
    good.replace("EXTINF:4.00000", "EXTINF:-1"),
    good.replace("#EXTINF:4.00000,\n", ""),
    good.replace(/TIME:.*/, "TIME:yesterday"),
    `#EXTM3U\n${"#\n".repeat(5_000)}`,
    "#EXTM3U\n".padEnd(200_000, "x"),
  ])
    assert.throws(() => readPlaylist(bad), BadPlaylist, bad.slice(0, 200));
});

test("a damaged playlist gives a BadPlaylist, or a playlist with ascending slots", () => {
  const good = textOf(logOf(140, { from: 33, to: 100 }));
  const damaged = fc
    .tuple(fc.nat(good.length), fc.nat(40), fc.string())
    .map(([at, cut, more]) => good.slice(0, at) + more + good.slice(at + cut));
  const lines = fc.shuffledSubarray(good.split("\n")).map((some) => ["#EXTM3U", ...some].join("\n"));
  fc.assert(
    fc.property(fc.oneof(damaged, lines, fc.string()), (text) => {
      try {
        let last = -1;
        for (const { whole, parts } of readPlaylist(text).segments) {
          for (const { from, to } of parts.length > 0 ? parts : whole ? [whole] : []) {
            assert.ok(from >= last && to > from);
            last = to;
          }
        }
      } catch (cause) {
        assert.ok(cause instanceof BadPlaylist, String(cause));
      }
    }),
    { numRuns: 500 },
  );
});

test("reads the slots of parts and segments from their decode times", () => {
  const log = logOf(45);
  for (const range of [
    { from: 40, to: 45 },
    { from: 20, to: 40 },
    { from: 5, to: 7 },
  ]) {
    const slots = readSlots(hlsObject(log, range, []));
    assert.deepEqual(
      slots.map(({ slot }) => slot),
      Array.from({ length: range.to - range.from }, (_, i) => range.from + i),
    );
    for (const { slot, packets } of slots)
      assert.deepEqual(
        packets.map((one) => [...one]),
        packetsOf(slot).map((one) => [...one]),
      );
  }
});

test("refuses an object that does not begin at a slot, or has a part of one", () => {
  const packets = packetsOf(0);
  const made = (decodeTimeSamples: number | bigint, some = packets) =>
    mediaSegment({ sequence: 1, decodeTimeSamples, packets: some });
  for (const bad of [made(960), made(9600, packets.slice(1)), made(2n ** 60n), Buffer.concat([made(9600), made(9600)])])
    assert.throws(() => readSlots(bad), BadCmaf);
  const nested = new Uint8Array(80_000);
  for (let at = 0; at + 8 <= nested.length; at += 8) {
    new DataView(nested.buffer).setUint32(at, nested.length - at);
    nested.set(new TextEncoder().encode(at === 0 ? "moof" : "traf"), at + 4);
  }
  assert.deepEqual(readSlots(nested), []);
});

test("arbitrary bytes give slots that fit a fragment, or BadCmaf", () => {
  const good = hlsObject(logOf(45), { from: 20, to: 40 }, []);
  const damaged = fc.tuple(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length)).map(([at, byte, length]) => {
    const bytes = good.slice(0, length);
    if (at < length) bytes[at] = byte;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 400 })), (bytes) => {
      try {
        for (const { slot, packets } of readSlots(bytes)) encodeFragment({ slot, levels: [], packets });
      } catch (cause) {
        assert.ok(cause instanceof BadCmaf, String(cause));
      }
    }),
    { numRuns: 1_000 },
  );
});
