import assert from "node:assert/strict";
import { test } from "node:test";
import type { SlotRange } from "@hustings/wire/slots.ts";
import fc from "fast-check";
import { aacSeconds, framesOf } from "../container/aac.ts";
import { AAC_PART_SECONDS, aacInputSlots, aacObjectAt, aacWindow } from "./aac-window.ts";
import { mediaPlaylist } from "./playlist.ts";
import { type HlsLog, type HlsMarks, hlsWindow, partsOf } from "./segments.ts";

const MARKS: HlsMarks = {
  ...{ liveSlot: 0, endedSlot: undefined, absences: [], gaps: [] },
  ...{ anchors: [{ slot: 0, utcMs: Date.UTC(2023, 4, 24, 22) }], airs: [{ slot: 0, air: "voice" }] },
};

interface LogFacts extends Partial<HlsMarks> {
  /** The log has slots `[from, to)`, except gaps and absences. */
  readonly from?: number;
  readonly to: number;
}

function logOf({ from = 0, to, ...facts }: LogFacts): HlsLog {
  const marks = { ...MARKS, ...facts };
  const never = [...marks.gaps, ...marks.absences];
  const isThere = (slot: number) =>
    slot >= from && slot < to && !never.some((one) => one.from <= slot && slot < one.to);
  const fragment = (slot: number) => (isThere(slot) ? new Uint8Array() : undefined);
  return { marks, headSlot: to - 1, oldestSlot: from, isOver: false, fragment };
}

const windowOf = (log: HlsLog) => aacWindow(log, hlsWindow(log));
const objectIn = (log: HlsLog, kind: "part" | "segment", from: number) => aacObjectAt(log, hlsWindow(log), kind, from);
function playlistOf(log: HlsLog, isPlain = false): string {
  const reports = [{ folder: "32", window: hlsWindow(log) }];
  const length = { secondsOf: aacSeconds, partSeconds: AAC_PART_SECONDS };
  return mediaPlaylist({ window: windowOf(log), marks: log.marks, reports, isPlain, ...length });
}

/** The states of a log that grows from `liveSlot` on by sound, absences and gaps. */
const growing = fc
  .tuple(
    fc.integer({ min: 0, max: 50 }),
    fc.array(fc.tuple(fc.constantFrom("sound", "sound", "missing"), fc.integer({ min: 1, max: 120 })), {
      minLength: 1,
      maxLength: 12,
    }),
  )
  .map(([liveSlot, events]) => {
    const [absences, gaps]: [SlotRange[], SlotRange[]] = [[], []];
    let to = liveSlot;
    return events.map(([kind, slots]) => {
      if (kind === "missing") (slots > 50 ? gaps : absences).push({ from: to, to: to + slots });
      to += slots;
      return { liveSlot, to, absences: [...absences], gaps: [...gaps] };
    });
  });

test("lists a part once the slot after it has come, or when nothing follows it", () => {
  const shown = (facts: LogFacts) =>
    windowOf(logOf(facts)).segments.map(({ isWhole, parts }) => [isWhole, parts.length]);
  assert.deepEqual(shown({ to: 25 }), [[true, 4]]);
  assert.deepEqual(shown({ to: 26 }), [
    [true, 4],
    [false, 1],
  ]);
  assert.deepEqual(shown({ to: 20 }), [[false, 3]]);
  assert.deepEqual(shown({ to: 20, endedSlot: 20 }), [[true, 4]]);
  assert.deepEqual(shown({ to: 90, gaps: [{ from: 20, to: 90 }] }), [[true, 4]]);
  assert.equal(windowOf(logOf({ to: 25 })).nextPart, 20);
  assert.equal(windowOf(logOf({ to: 26 })).nextPart, 25);
  assert.equal(windowOf(logOf({ to: 20, endedSlot: 20 })).nextPart, undefined);
});

test("a part without the sound after it is next; one without the sound before it is gone", () => {
  const log = logOf({ from: 40, to: 80 });
  assert.deepEqual(objectIn(log, "part", 70), { from: 70, to: 75 });
  assert.deepEqual(objectIn(log, "part", 75), "next");
  assert.deepEqual(objectIn(log, "segment", 60), "next");
  assert.deepEqual(objectIn(log, "part", 40), "none");
  assert.deepEqual(objectIn(log, "segment", 40), "none");
  assert.deepEqual(objectIn(log, "part", 85), "none");
  assert.deepEqual(
    windowOf(log).segments.map(({ from }) => from),
    [60],
  );
});

test("a low-latency AAC playlist has the durations of its parts and a rendition report of Opus", () => {
  const text = playlistOf(logOf({ to: 85 }));
  assert.match(text, /PART-HOLD-BACK=3.00801,HOLD-BACK=12.00000\n#EXT-X-PART-INF:PART-TARGET=1.00267\n/);
  assert.match(text, /#EXT-X-PART:DURATION=1.00267,URI="p30.m4s",INDEPENDENT=YES\n.*DURATION=0.98133,URI="p35.m4s"/);
  assert.match(text, /#EXTINF:4.01067,\ns0.m4s\n/);
  assert.match(
    text,
    /s60.m4s\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p80.m4s"\n#EXT-X-RENDITION-REPORT:URI="..\/32\/index.m3u8",LAST-MSN=4,LAST-PART=0\n$/,
  );
  assert.doesNotMatch(playlistOf(logOf({ to: 85 }), true), /PART|HINT|REPORT|BLOCK/);
  assert.match(playlistOf(logOf({ to: 82 }), true), /s60.m4s\n$/);
  assert.match(playlistOf(logOf({ to: 87 }), true), /s60.m4s\n$/);
});

test("every frame is in one part, a segment is as long as its parts, and no part exceeds the target", () => {
  fc.assert(
    fc.property(growing, (logs) => {
      for (const facts of logs) {
        for (const { parts, isWhole, ...segment } of windowOf(logOf(facts)).segments) {
          const frames = parts.map(framesOf);
          for (const [i, { from, to }] of frames.entries()) {
            assert.ok(to > from);
            if (i > 0) assert.equal(from, frames[i - 1]?.to);
          }
          if (isWhole) assert.deepEqual(framesOf(segment), { from: frames[0]?.from, to: frames.at(-1)?.to });
          assert.ok(aacSeconds(segment) < 4.5, "the target duration is 4 s");
          for (const part of parts) assert.ok(aacSeconds(part) <= AAC_PART_SECONDS);
          for (const part of partsOf(segment).slice(0, -1)) assert.ok(aacSeconds(part) >= 0.85 * AAC_PART_SECONDS);
        }
      }
    }),
  );
});

test("the input of a listed part never changes, and is the same for a packager that started later", () => {
  fc.assert(
    fc.property(growing, fc.integer({ min: 0, max: 200 }), (logs, lateSlots) => {
      const made = new Map<number, SlotRange>();
      for (const facts of logs) {
        const early = logOf(facts);
        const late = logOf({ ...facts, from: Math.max(0, facts.to - 300 + lateSlots) });
        for (const log of [early, late]) {
          for (const part of windowOf(log).segments.flatMap(({ parts }) => parts)) {
            assert.deepEqual(objectIn(log, "part", part.from), part);
            const around = aacInputSlots(log, hlsWindow(log), part);
            assert.deepEqual(made.get(part.from) ?? around, around);
            made.set(part.from, around);
          }
        }
      }
    }),
  );
});
