// The recording on every adapter: what is in it, that nothing in it moves, and that ffprobe and ffmpeg read it.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { mediaSegment } from "@hustings/media/container/cmaf.ts";
import { fillerPackets } from "@hustings/media/container/filler.ts";
import { readOgg } from "@hustings/media/container/ogg/ogg-reader.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { encodeFragment } from "@hustings/wire/log/fragment-encode.ts";
import type { StateChange } from "@hustings/wire/log/state.ts";
import { SLOT_SAMPLES } from "@hustings/wire/units.ts";
import fc from "fast-check";
import { createDiskArchive } from "../log/disk/disk-archive.ts";
import { openDiskStore } from "../log/disk/disk-store.ts";
import { createMemoryStore } from "../log/memory/memory-log.ts";
import type { LogArchive, LogStore, SpaceLog } from "../log/port.ts";
import { createdChange, OTHER_SPACE, SPACE } from "../log/testing/log-fixture.ts";
import { MP4_RECORDING } from "./mp4-recording.ts";
import { OGG_RECORDING } from "./ogg-recording.ts";
import { createRecordings, MAX_KEPT_INDEXES, type RecordingView } from "./recording.ts";
import type { RecordingKind } from "./recording-format.ts";

const TIMEOUT_MS = 120_000;
const LIVE_SLOT = 10;
/** More than any test stores. */
const KEPT_SLOTS = 10_000;
const run = promisify(execFile);

for (const [name, startFixture] of [
  ["memory", startMemoryFixture],
  ["disk", startDiskFixture],
] as const)
  describe(`the recording from ${name}`, { timeout: TIMEOUT_MS }, () => {
    test("does not exist before the space was live for a second, and refuses an unknown space", async () => {
      await using fixture = await startFixture();
      assert.equal(await fixture.view(), undefined);
      await fixture.entry(createdChange());
      assert.equal(await fixture.view(), undefined);
      await fixture.entry({ kind: "live" });
      await fixture.sound([LIVE_SLOT, LIVE_SLOT + 1]);
      assert.equal(await fixture.view(), undefined);
      await assert.rejects(createRecordings(fixture.archive).open(OTHER_SPACE, "mp4"), { code: "no-space" });
    });

    test("has exactly what was on air, with filler in short absences and without long ones, whatever is missing", async () => {
      await fc.assert(
        fc.asyncProperty(gapsArbitrary, fc.nat(20), async (gaps, endsBefore) => {
          await using fixture = await startFixture();
          const slots = slotsWith(gaps);
          const ended = Math.max(LIVE_SLOT + 1, (slots.at(-1) as number) + 1 - endsBefore);
          await fixture.goLive();
          await fixture.sound(slots);
          await fixture.entry({ kind: "ended" }, ended);
          await fixture.close();
          const timeline = timelineOf(slots.filter((slot) => slot >= LIVE_SLOT && slot < ended));
          const view = await fixture.view();
          if (timeline.length === 0) return assert.equal(view, undefined);
          assert.ok(view?.final);
          assert.equal(view.durationSamples, timeline.length * SLOT_SAMPLES);
          assert.deepEqual((await bytesOf(view)).subarray(MP4_RECORDING.headBytes), expectedSegments(timeline));
        }),
        { numRuns: 25 },
      );
    });

    test("has the same packets and samples as Ogg, whatever is missing, up to packets of the greatest length", async () => {
      await fc.assert(
        fc.asyncProperty(gapsArbitrary, fc.constantFrom(1, 254, 255, 1275), async (gaps, packetBytes) => {
          await using fixture = await startFixture();
          const slots = slotsWith(gaps);
          await fixture.goLive();
          await fixture.sound(slots, packetBytes);
          await fixture.entry({ kind: "ended" }, (slots.at(-1) as number) + 1);
          await fixture.close();
          const timeline = timelineOf(slots.filter((slot) => slot >= LIVE_SLOT));
          const view = await fixture.view("ogg");
          if (timeline.length === 0) return assert.equal(view, undefined);
          assert.ok(view?.final);
          const [read, ...others] = readOgg(await bytesOf(view));
          assert.deepEqual([read?.losses, others], [[], []]);
          assert.deepEqual(
            read?.packets.map((packet) => Buffer.from(packet)),
            timeline.flatMap((one) => packetsOf(one, packetBytes)).map((packet) => Buffer.from(packet)),
          );
          assert.equal(read?.preSkipSamples, 0);
          assert.equal(read?.durationSamples, timeline.length * SLOT_SAMPLES);
          assert.equal(view.durationSamples, (await fixture.view())?.durationSamples);
        }),
        { numRuns: 20 },
      );
    });

    for (const kind of ["mp4", "ogg"] as const)
      test(`gives any range of bytes as in the whole ${kind} file`, () => givesAnyRange(startFixture, kind));

    for (const kind of ["mp4", "ogg"] as const)
      test(`grows at the end of the ${kind} file while the space is live, and nothing in it moves`, () =>
        growsAtItsEnd(startFixture, kind));

    test("shows ffprobe its length and every packet, live and final, and lets ffmpeg seek", async () => {
      await using fixture = await startFixture();
      await fixture.goLive();
      const slots = slotsWith([200, 30, 103]);
      await fixture.sound(slots);
      const path = join(fixture.directory, "recording.mp4");
      for (const isEnded of [false, true]) {
        if (isEnded) await fixture.entry({ kind: "ended" }, (slots.at(-1) as number) + 1);
        const view = (await fixture.view()) ?? assert.fail("no recording");
        await writeFile(path, await bytesOf(view));
        const seconds = view.durationSamples / 48_000;
        const timeline = timelineOf(slots.filter((slot) => slot >= LIVE_SLOT)).slice(0, seconds * 5);
        const { format, packets } = await probe(path);
        assert.ok(Math.abs(Number(format.duration) - seconds) < 0.03, `${format.duration} s, not ${seconds}`);
        assert.deepEqual(
          packets.map(({ size }) => Number(size)),
          timeline.flatMap((one) => packetsOf(one)).map(({ length }) => length),
        );
        const ogg = (await fixture.view("ogg")) ?? assert.fail("no recording");
        await writeFile(`${path}.ogg`, await bytesOf(ogg));
        const inOgg = await probe(`${path}.ogg`);
        assert.deepEqual(inOgg.packets, packets);
        if (isEnded) assert.ok(Math.abs(Number(inOgg.format.duration) - seconds) < 0.03, inOgg.format.duration);
        assert.equal(inOgg.streams[0]?.tags?.["TITLE"], ogg.title);
        assert.equal(await decodedSamples(`${path}.ogg`), await decodedSamples(path));
        assert.equal(await decodedSamples(path), view.durationSamples);
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

async function givesAnyRange(startFixture: StartFixture, kind: RecordingKind): Promise<void> {
  await using fixture = await startFixture();
  await fixture.goLive();
  await fixture.sound(slotsWith([30, 2, 51, 50, 7]));
  const view = (await fixture.view(kind)) ?? assert.fail("no recording");
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
}

async function growsAtItsEnd(startFixture: StartFixture, kind: RecordingKind): Promise<void> {
  await using fixture = await startFixture();
  await fixture.goLive();
  const slots = slotsWith([60, 20, 60, 100]);
  const { headBytes } = kind === "mp4" ? MP4_RECORDING : OGG_RECORDING;
  let before: { view: RecordingView; bytes: Buffer } | undefined;
  for (let done = 0; done < slots.length; done += 17) {
    await fixture.sound(slots.slice(done, done + 17));
    const view = await fixture.view(kind);
    if (!view) continue;
    const bytes = await bytesOf(view);
    assert.equal(view.final, false);
    if (before) {
      const media = before.bytes.subarray(headBytes);
      assert.ok(bytes.subarray(headBytes, headBytes + media.length).equals(media));
      assert.equal(bytes.equals(before.bytes), view.etag === before.view.etag);
      assert.ok((await bytesOf(before.view)).equals(before.bytes));
    }
    before = { view, bytes };
  }
  await fixture.entry({ kind: "ended" }, (slots.at(-1) as number) + 1);
  const view = await fixture.view(kind);
  assert.equal(view?.final, true);
  assert.notEqual(view?.etag, before?.view.etag);
}

describe("the recording", { timeout: TIMEOUT_MS }, () => {
  test("is final when the sound lane has not changed for a while, if the end of its sound was lost", async () => {
    await using fixture = await startDiskFixture();
    await fixture.goLive();
    await fixture.sound(slotsWith([50]));
    await fixture.entry({ kind: "ended" }, 1_000);
    assert.equal((await fixture.view())?.final, false);
    const clock = { ...manualClock(), utcMs: () => 8_000_000_000_000 };
    const later = createRecordings(createDiskArchive({ directory: fixture.directory, clock }));
    assert.equal((await later.open(SPACE, "mp4"))?.final, true);
  });

  test("is read from the log as it is consumed", async () => {
    await using fixture = await startMemoryFixture();
    await fixture.goLive();
    await fixture.sound(slotsWith([1_500]));
    const ranges: number[] = [];
    const view =
      (await createRecordings(watched(fixture.archive, { ranges })).open(SPACE, "mp4")) ?? assert.fail("no recording");
    assert.deepEqual(ranges, []);
    const pieces = view.read(0, view.sizeBytes)[Symbol.asyncIterator]();
    await pieces.next();
    assert.deepEqual(ranges, []);
    await pieces.next();
    assert.deepEqual(ranges, [LIVE_SLOT]);
    while (!(await pieces.next()).done);
    assert.deepEqual(
      ranges,
      [0, 1, 2, 3, 4].map((n) => LIVE_SLOT + n * 300),
    );
  });

  test("keeps the indexes of recent recordings and indexes only new sound", async () => {
    const store = createMemoryStore({ keptSlots: KEPT_SLOTS });
    const ids = Array.from({ length: MAX_KEPT_INDEXES + 1 }, (_, n) => String(n).padStart(10, "0") as SpaceId);
    for (const id of ids) {
      const log = await store.create(id);
      await log.appendState(LIVE_SLOT, 0, createdChange(id));
      await log.appendState(LIVE_SLOT, 0, { kind: "live" });
      for (let slot = LIVE_SLOT; slot < LIVE_SLOT + 10; slot++) log.appendSound("32", slot, storedFragment(slot));
    }
    const indexed: number[] = [];
    const recordings = createRecordings(watched(store, { indexed }));
    const [first, ...others] = ids as [SpaceId, ...SpaceId[]];
    for (const id of [first, first, ...others, first]) await recordings.open(id, "mp4");
    assert.deepEqual(indexed, [LIVE_SLOT, LIVE_SLOT + 10, ...others.map(() => LIVE_SLOT), LIVE_SLOT]);
  });
});

const gapsArbitrary = fc.array(fc.oneof(fc.nat(4), fc.constantFrom(49, 50, 51, 700), fc.nat(120)), {
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

function packetsOf(
  { slot, isStored }: { slot: number; isStored: boolean },
  packetBytes?: number,
): readonly Uint8Array[] {
  if (!isStored) return fillerPackets(slot);
  if (packetBytes !== undefined) return Array.from({ length: 10 }, () => new Uint8Array(packetBytes).fill(0xf8));
  return Array.from({ length: 10 }, (_, i) =>
    Uint8Array.from([0xf8, 0xff, 0xfe, ...new Array((slot * 7 + i) % 90).fill(0)]),
  );
}

function expectedSegments(timeline: readonly { slot: number; isStored: boolean }[]): Buffer {
  const segments: Uint8Array[] = [];
  for (let first = 0; first < timeline.length; first += 5) {
    const packets = timeline.slice(first, first + 5).flatMap((one) => packetsOf(one));
    segments.push(mediaSegment({ sequence: first / 5 + 1, decodeTimeSamples: first * SLOT_SAMPLES, packets }));
  }
  return Buffer.concat(segments);
}

async function bytesOf(view: RecordingView, from = 0, to = view.sizeBytes): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of view.read(from, to)) pieces.push(piece);
  return Buffer.concat(pieces);
}

interface Probed {
  readonly format: { readonly duration: string };
  readonly packets: readonly { readonly size: string }[];
  readonly streams: readonly { readonly tags?: Readonly<Record<string, string>> }[];
}

async function decodedSamples(path: string): Promise<number> {
  await run("ffmpeg", ["-v", "error", "-xerror", "-i", path, "-ar", "48000", "-f", "s16le", "-y", `${path}.pcm`]);
  return (await stat(`${path}.pcm`)).size / 2;
}

async function probe(path: string): Promise<Probed> {
  const shown = ["-show_entries", "format=duration:packet=size:stream_tags", "-of", "json"];
  return JSON.parse((await run("ffprobe", ["-v", "error", ...shown, path])).stdout);
}

/** `archive`, with the first slot of each range and of each indexing noted. */
function watched(archive: LogArchive, noted: { readonly ranges?: number[]; readonly indexed?: number[] }): LogArchive {
  return {
    async read(id) {
      const log = await archive.read(id);
      return (
        log && {
          ...log,
          sizes(rendition, from) {
            noted.indexed?.push(from);
            return log.sizes(rendition, from);
          },
          range(rendition, from, to) {
            noted.ranges?.push(from);
            return log.range(rendition, from, to);
          },
        }
      );
    },
  };
}

function storedFragment(slot: number, packetBytes?: number): Uint8Array {
  return encodeFragment({ slot, levels: [], packets: packetsOf({ slot, isStored: true }, packetBytes) });
}

type StartFixture = typeof startMemoryFixture;

async function startMemoryFixture() {
  const store = createMemoryStore({ keptSlots: KEPT_SLOTS });
  return startFixture(store, store, await mkdtemp(join(tmpdir(), "hustings-recording-")));
}

async function startDiskFixture() {
  const directory = await mkdtemp(join(tmpdir(), "hustings-recording-"));
  const store = await openDiskStore({ directory, clock: manualClock() });
  return startFixture(store, createDiskArchive({ directory, clock: manualClock(0) }), directory);
}

async function startFixture(store: LogStore, archive: LogArchive, directory: string) {
  let log: SpaceLog = await store.create(SPACE);
  const recordings = createRecordings(archive);
  const fixture = {
    archive,
    directory,
    view: (kind: RecordingKind = "mp4") => recordings.open(SPACE, kind),
    entry: (change: StateChange, slot = LIVE_SLOT) => log.appendState(slot, 0, change),
    async goLive() {
      await fixture.entry(createdChange());
      await fixture.entry({ kind: "live" });
    },
    // A log stores its sound when its pen is closed.
    async sound(slots: readonly number[], packetBytes?: number) {
      for (let first = 0; first < slots.length; first += 200) {
        for (const slot of slots.slice(first, first + 200))
          log.appendSound("32", slot, storedFragment(slot, packetBytes));
        await log[Symbol.asyncDispose]();
        log = (await store.open(SPACE)) ?? assert.fail("no log");
      }
    },
    close: () => store[Symbol.asyncDispose](),
    async [Symbol.asyncDispose]() {
      await fixture.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
  return fixture;
}
