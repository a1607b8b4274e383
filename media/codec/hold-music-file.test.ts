import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { HOLD_MUSIC_SAMPLES } from "../mix/hold-music.ts";
import { holdMusicFile } from "./hold-music-file.ts";
import { loadOpus } from "./opus.ts";

test("ffmpeg decodes the hold music file to exactly the loop's length, audible throughout, and the file is below 100 kB", async () => {
  const file = holdMusicFile(await loadOpus());
  assert.ok(file.length < 100_000, `${file.length} bytes`);
  const decoded = spawnSync(
    "ffmpeg",
    ["-v", "error", "-i", "pipe:0", "-f", "f32le", "-ac", "1", "-ar", "48000", "pipe:1"],
    {
      input: file,
      maxBuffer: 1 << 26,
    },
  );
  assert.equal(String(decoded.stderr), "");
  const bytes = decoded.stdout;
  const pcm = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  assert.equal(pcm.length, HOLD_MUSIC_SAMPLES);
  for (let at = 0; at + 48_000 <= pcm.length; at += 48_000) {
    const power = pcm.subarray(at, at + 48_000).reduce((sum, sample) => sum + sample * sample, 0) / 48_000;
    assert.ok(power > 1e-6, `second ${at / 48_000} is silent`);
  }
});
