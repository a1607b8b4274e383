// Proves the recording: what is in it, that positions never move, and that others' players agree (ffprobe, ffmpeg).

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { initSegment, mediaSegment } from "@hustings/media/container/cmaf.ts";
import { fillerPackets } from "@hustings/media/container/filler.ts";
import { encodeFragment } from "@hustings/wire/log/fragment-encode.ts";
import type { StateChange } from "@hustings/wire/log/state.ts";
import { SLOT_SAMPLES } from "@hustings/wire/units.ts";
import fc from "fast-check";
import { openDiskStore } from "../log/disk/disk-store.ts";
import type { SpaceLog } from "../log/port.ts";
import { createdChange, SPACE } from "../log/testing/log-fixture.ts";
import { INDEX_BYTES, openRecording, type RecordingView } from "./recording.ts";

const TIMEOUT_MS = 120_000;
const LIVE_SLOT = 10;
const run = promisify(execFile);

describe("the recording", { timeout: TIMEOUT_MS }, () => {
  test("there is none before the space went live, nor before its first second, nor of no space", async () => {
    await using venue = await startVenue();
    assert.equal(await venue.view(), undefined);
    await venue.entry(createdChange());
    assert.equal(await venue.view(), undefined);
    await venue.entry({ kind: "live" });
    await venue.sound([LIVE_SLOT, LIVE_SLOT + 1]);
    assert.equal(await venue.view(), undefined);
    assert.equal(await openRecording({ directory: join(venue.directory, "nowhere"), id: SPACE }), undefined);
  });

  test("it holds what was on air alone, short absences filled and long ones left out, whatever is missing", async () => {
    await fc.assert(
      fc.asyncProperty(gapsArbitrary, fc.nat(20), async (gaps, endsBefore) => {
        await using venue = await startVenue();
        const slots = slotsWith(gaps);
        const ended = Math.max(LIVE_SLOT + 1, (slots.at(-1) as number) + 1 - endsBefore);
        await venue.goLive();
        await venue.sound(slots);
        await venue.entry({ kind: "ended" }, ended);
        await venue.close();
        const timeline = timelineOf(slots.filter((slot) => slot >= LIVE_SLOT && slot < ended));
        const view = await venue.view();
        if (timeline.length === 0) return assert.equal(view, undefined);
        assert.ok(view?.final);
        assert.equal(view.durationSamples, timeline.length * SLOT_SAMPLES);
        assert.deepEqual((await bytesOf(view)).subarray(headBytes()), expectedSegments(timeline));
      }),
      { numRuns: 25 },
    );
  });

  test("any range is the same bytes as in the whole", async () => {
    await using venue = await startVenue();
    await venue.goLive();
    await venue.sound(slotsWith([30, 2, 51, 50, 7]));
    const view = (await venue.view()) ?? assert.fail("no recording");
    const whole = await bytesOf(view);
    assert.equal(whole.length, view.sizeBytes);
    await fc.assert(
      fc.asyncProperty(fc.nat(view.sizeBytes), fc.nat(view.sizeBytes), async (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        assert.ok((await bytesOf(view, from, to)).equals(whole.subarray(from, to)));
      }),
      { numRuns: 100 },
    );
    await assert.rejects(bytesOf(view, 0, view.sizeBytes + 1), RangeError);
  });

  test("while it is live it grows at its end, and nothing in it moves", async () => {
    await using venue = await startVenue();
    await venue.goLive();
    const slots = slotsWith([60, 20, 60, 100]);
    let before: { view: RecordingView; bytes: Buffer } | undefined;
    for (let done = 0; done < slots.length; done += 17) {
      await venue.sound(slots.slice(done, done + 17));
      const view = await venue.view();
      if (!view) continue;
      const bytes = await bytesOf(view);
      assert.equal(view.final, false);
      if (before) {
        const media = before.bytes.subarray(headBytes());
        assert.ok(bytes.subarray(headBytes(), headBytes() + media.length).equals(media));
        assert.equal(bytes.equals(before.bytes), view.etag === before.view.etag);
        assert.ok((await bytesOf(before.view)).equals(before.bytes));
      }
      before = { view, bytes };
    }
    await venue.entry({ kind: "ended" }, (slots.at(-1) as number) + 1);
    assert.equal((await venue.view())?.final, true);
  });

  test("an ended recording whose end was lost is final when its lane has been still", async () => {
    await using venue = await startVenue();
    await venue.goLive();
    await venue.sound(slotsWith([50]));
    await venue.entry({ kind: "ended" }, 1_000);
    assert.equal((await venue.view())?.final, false);
    const later = { ...manualClock(), utcMs: () => 8_000_000_000_000 };
    assert.equal((await openRecording({ directory: venue.directory, id: SPACE, clock: later }))?.final, true);
  });

  test("ffprobe reads its length and every packet, live and final, and ffmpeg seeks in it", async () => {
    await using venue = await startVenue();
    await venue.goLive();
    const slots = slotsWith([200, 30, 103]);
    await venue.sound(slots);
    const path = join(venue.directory, "recording.mp4");
    for (const isEnded of [false, true]) {
      if (isEnded) await venue.entry({ kind: "ended" }, (slots.at(-1) as number) + 1);
      const view = (await venue.view()) ?? assert.fail("no recording");
      await writeFile(path, await bytesOf(view));
      const seconds = view.durationSamples / 48_000;
      const timeline = timelineOf(slots.filter((slot) => slot >= LIVE_SLOT)).slice(0, seconds * 5);
      const { format, packets } = await probe(path);
      assert.ok(Math.abs(Number(format.duration) - seconds) < 0.03, `${format.duration} s, not ${seconds}`);
      assert.deepEqual(
        packets.map(({ size }) => Number(size)),
        timeline.flatMap(packetsOf).map(({ length }) => length),
      );
      const from = seconds - 5;
      const { stderr } = await run("ffmpeg", [
        "-v",
        "error",
        "-ss",
        `${from}`,
        "-i",
        path,
        "-f",
        "s16le",
        "-y",
        `${path}.pcm`,
      ]);
      assert.equal(stderr, "");
    }
  });
});

const gapsArbitrary = fc.array(fc.oneof(fc.nat(4), fc.constantFrom(49, 50, 51), fc.nat(120)), {
  minLength: 1,
  maxLength: 6,
});

// Runs of stored slots, as long as the numbers say, with breaks as long as the next number between them.
function slotsWith(lengths: readonly number[]): number[] {
  const slots: number[] = [];
  let next = LIVE_SLOT - 3;
  lengths.forEach((length, i) => {
    if (i % 2 === 0) for (let n = 0; n <= length; n++) slots.push(next++);
    else next += length;
  });
  return slots;
}

function timelineOf(stored: readonly number[]): { slot: number; isStored: boolean }[] {
  let expected = LIVE_SLOT;
  return stored.flatMap((slot) => {
    const missing = slot - expected > 50 ? 0 : slot - expected;
    expected = slot + 1;
    const filler = Array.from({ length: missing }, (_, i) => ({ slot: slot - missing + i, isStored: false }));
    return [...filler, { slot, isStored: true }];
  });
}

function packetsOf({ slot, isStored }: { slot: number; isStored: boolean }): readonly Uint8Array[] {
  if (!isStored) return fillerPackets(slot);
  return Array.from({ length: 10 }, (_, i) =>
    Uint8Array.from([0xf8, 0xff, 0xfe, ...new Array((slot * 7 + i) % 90).fill(0)]),
  );
}

function expectedSegments(timeline: readonly { slot: number; isStored: boolean }[]): Buffer {
  const segments: Uint8Array[] = [];
  for (let first = 0; first < timeline.length; first += 5) {
    const packets = timeline.slice(first, first + 5).flatMap(packetsOf);
    segments.push(mediaSegment({ sequence: first / 5 + 1, decodeTimeSamples: first * SLOT_SAMPLES, packets }));
  }
  return Buffer.concat(segments);
}

function headBytes(): number {
  return initSegment().length + INDEX_BYTES;
}

async function bytesOf(view: RecordingView, from = 0, to = view.sizeBytes): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of view.read(from, to)) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function probe(path: string): Promise<{ format: { duration: string }; packets: { size: string }[] }> {
  const shown = ["-show_entries", "format=duration:packet=size", "-of", "json"];
  return JSON.parse((await run("ffprobe", ["-v", "error", ...shown, path])).stdout);
}

async function startVenue() {
  const directory = await mkdtemp(join(tmpdir(), "hustings-recording-"));
  const store = await openDiskStore({ directory, clock: manualClock() });
  let log: SpaceLog = await store.create(SPACE);
  const venue = {
    directory,
    view: () => openRecording({ directory, id: SPACE, clock: manualClock(0) }),
    entry: (change: StateChange, slot = LIVE_SLOT) => log.appendState(slot, 0, change),
    async goLive() {
      await venue.entry(createdChange());
      await venue.entry({ kind: "live" });
    },
    async sound(slots: readonly number[]) {
      for (let first = 0; first < slots.length; first += 200) {
        for (const slot of slots.slice(first, first + 200))
          log.appendSound(
            "32",
            slot,
            encodeFragment({ slot, levels: [], packets: packetsOf({ slot, isStored: true }) }),
          );
        await log[Symbol.asyncDispose]();
        log = (await store.open(SPACE)) ?? assert.fail("no log");
      }
    },
    close: () => store[Symbol.asyncDispose](),
    async [Symbol.asyncDispose]() {
      await venue.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
  return venue;
}
