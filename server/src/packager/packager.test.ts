// Proves AAC on demand with the real encoder: what was said is heard, at the sample where it was said, across segments;
// two packagers make the same bytes; nothing runs before somebody asks.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/clock-manual.ts";
import { AAC_FRAME_SAMPLES, BadAdts, framesInAdts, framesOf } from "@hustings/media/aac.ts";
import { correlate } from "@hustings/media/correlate.ts";
import { decodeOgg } from "@hustings/media/ogg-sound.ts";
import { loadOpus } from "@hustings/media/opus.ts";
import { encodeFragment } from "@hustings/wire/fragment-encode.ts";
import { RENDITIONS, SLOT_SAMPLES } from "@hustings/wire/units.ts";
import fc from "fast-check";
import { SILENT } from "../edge/log.ts";
import { fakeStage, SPACE } from "../edge/upstream-fake.ts";
import type { SpaceLog } from "../log/port.ts";
import { type AacEncoder, startAacEncoder } from "./encoder.ts";
import { startPackager } from "./packager.ts";

const SLOTS = 66;
const opus = await loadOpus();
const voice = decodeOgg(opus, readFileSync(new URL("../../../media/voices/chloe.opus", import.meta.url)));
const speech = new Float32Array(SLOTS * SLOT_SAMPLES);
speech.set(voice.subarray(0, speech.length));

function speakInto(log: SpaceLog, slots: number): void {
  using encoder = opus.encoder({ bitrateBps: 32_000, tuning: "programme" });
  for (let slot = 0; slot < slots; slot++) {
    const packets = Array.from({ length: 10 }, (_, i) => {
      const at = slot * SLOT_SAMPLES + i * 960;
      return encoder.encode(speech.subarray(at, at + 960)).slice();
    });
    const bytes = encodeFragment({ slot, levels: [{ seat: 0, levelDbov: 20 }], packets });
    for (const rendition of RENDITIONS) log.appendSound(rendition, slot, bytes);
  }
}

async function startFixture(encoder?: AacEncoder) {
  const folder = await mkdtemp(join(tmpdir(), "packager-"));
  const clock = manualClock();
  const stage = fakeStage(clock);
  const log = await stage.create(SPACE);
  speakInto(log, SLOTS);
  const made = encoder ?? (await startAacEncoder());
  const start = (name: string) =>
    startPackager({
      clock,
      upstream: stage,
      encoder: made,
      holdFile: undefined,
      socketPath: join(folder, name),
      version: "",
      log: SILENT,
      random: () => 0.5,
    });
  const [one, other] = [await start("one"), await start("other")];
  return {
    clock,
    stage,
    log,
    get: (name: string, path: string) => get(join(folder, name), `/hls/${SPACE}/aac/${path}`),
    async [Symbol.asyncDispose]() {
      await one[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

function get(socketPath: string, path: string): Promise<{ readonly status: number; readonly body: Buffer }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, agent: false }, (answer) => {
      const bytes: Buffer[] = [];
      answer.on("data", (some: Buffer) => void bytes.push(some));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(bytes) }));
    });
    asked.on("error", reject);
    asked.end();
  });
}

function decoded(file: Buffer): Float32Array {
  const args = ["-v", "error", "-f", "mp4", "-i", "pipe:0", "-f", "f32le", "-ac", "1", "-ar", "48000", "pipe:1"];
  const bytes = execFileSync("ffmpeg", args, { input: file, maxBuffer: 1 << 26 });
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

test("three segments on end are what was said, where it was said, without a seam", async () => {
  await using fixture = await startFixture();
  const playlist = String((await fixture.get("one", "index.m3u8")).body);
  assert.deepEqual(playlist.match(/^s\d+\.m4s$/gm), ["s0.m4s", "s20.m4s", "s40.m4s"]);
  assert.match(playlist, /#EXTINF:4.01067,\ns0.m4s/);
  assert.doesNotMatch(playlist, /EXT-X-PART/);
  const names = ["init.mp4", "s0.m4s", "s20.m4s", "s40.m4s"];
  const parts = await Promise.all(names.map(async (name) => (await fixture.get("one", name)).body));
  const pcm = decoded(Buffer.concat(parts));
  const whole = correlate(pcm, speech.subarray(48_000, 48_000 * 11));
  assert.ok(whole.score > 0.97, `${whole.score}`);
  // The decoder of Opus is 6.5 ms late; the frames of AAC stand where they should.
  assert.ok(Math.abs(whole.lagMs - 1_000 - 6.5) < 1, `${whole.lagMs} ms`);
  for (const second of [4, 8]) {
    const across = correlate(pcm, speech.subarray((second - 0.25) * 48_000, (second + 0.25) * 48_000));
    assert.ok(across.score > 0.95, `across ${second} s: ${across.score}`);
  }
});

test("two packagers make the same bytes, whenever they began to follow and whatever they made before", async () => {
  await using fixture = await startFixture();
  for (const name of ["s0.m4s", "s20.m4s"]) await fixture.get("one", name);
  const [one, other] = await Promise.all(["one", "other"].map((packager) => fixture.get(packager, "s40.m4s")));
  assert.equal(one?.status, 200);
  assert.deepEqual(one?.body, other?.body);
});

test("a segment is there once the sound behind it is, or the space has ended", async () => {
  await using fixture = await startFixture();
  assert.equal((await fixture.get("one", "s60.m4s")).status, 404);
  await fixture.log.appendState(SLOTS, fixture.clock.utcMs(), { kind: "ended" });
  await fixture.clock.advanceAsync(1_000);
  const { status } = await fixture.get("one", "s60.m4s");
  assert.equal(status, 200);
  assert.match(String((await fixture.get("one", "index.m3u8")).body), /#EXTINF:1.19467,\ns60.m4s\n#EXT-X-ENDLIST/);
});

test("nothing is encoded before somebody asks, once for all who do, and what fails is tried again", async () => {
  let runs = 0;
  const encoder: AacEncoder = {
    async encode(pcm) {
      if (++runs === 1) throw new Error("the first always fails");
      return Array.from({ length: pcm.length / AAC_FRAME_SAMPLES + 1 }, (_, i) => Uint8Array.of(i & 255));
    },
  };
  await using fixture = await startFixture(encoder);
  await fixture.get("one", "index.m3u8");
  assert.equal(runs, 0);
  assert.equal((await fixture.get("one", "s0.m4s")).status, 500);
  await Promise.all([fixture.get("one", "s0.m4s"), fixture.get("one", "s0.m4s")]);
  assert.equal((await fixture.get("one", "s0.m4s")).status, 200);
  assert.equal(runs, 2);
  for (const path of ["p0.m4s", "s5.m4s", "x"]) assert.equal((await fixture.get("one", path)).status, 404);
});

test("a program that is not there is told in a sentence", async () => {
  await assert.rejects(startAacEncoder({ command: "there-is-no-such-program" }), /needs the program ffmpeg/);
});

test("every frame of a space's time belongs to one range, and bytes that are not ADTS are refused by name", () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }), (at, a, b) => {
      assert.equal(framesOf({ from: at, to: at + a }).to, framesOf({ from: at + a, to: at + a + b }).from);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        framesInAdts(bytes);
      } catch (cause) {
        assert.ok(cause instanceof BadAdts);
      }
    }),
  );
});
