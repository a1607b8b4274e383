// Reads a space from its folder and from its recording.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeFragments, type Fragment } from "../../wire/log/fragment.ts";
import { ROUTES } from "../../wire/routes.ts";
import type { CreatedSpace, RunningServer } from "./running-server.ts";

/** The fragments of the 32 kb/s sound lane, in the order of the file. Throws at the first damaged byte. */
export async function soundLane({ dataDir }: RunningServer, { id }: CreatedSpace): Promise<readonly Fragment[]> {
  return decodeFragments(await readFile(join(dataDir, "spaces", id, "sound-32.lane")));
}

export interface Recording {
  readonly bytes: Uint8Array;
  readonly pcm: Float32Array;
  readonly packetCount: number;
  readonly durationMs: number;
}

/** Fetches the recording, counts its packets with ffprobe and decodes it with ffmpeg. */
export async function readRecording({ doorUrl }: RunningServer, { id }: CreatedSpace): Promise<Recording> {
  const response = await fetch(doorUrl + ROUTES.recording(id));
  assert.equal(response.status, 200, await (response.ok ? "" : response.text()));
  return judge(new Uint8Array(await response.arrayBuffer()));
}

function judge(bytes: Uint8Array): Recording {
  const probed = run("ffprobe", ["-v", "error", "-count_packets", "-show_streams", "-of", "json", "-"], bytes);
  const [stream] = (JSON.parse(probed.toString()) as { streams: { nb_read_packets: string; duration?: string }[] })
    .streams;
  const raw = run("ffmpeg", ["-v", "error", "-i", "-", "-f", "f32le", "-ac", "1", "-ar", "48000", "-"], bytes);
  const pcm = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length));
  const packetCount = Number(stream?.nb_read_packets);
  return { bytes, pcm, packetCount, durationMs: pcm.length / 48 };
}

function run(command: string, args: readonly string[], input: Uint8Array): Buffer {
  const { status, stdout, stderr } = spawnSync(command, args, { input, maxBuffer: 1 << 28 });
  assert.equal(status, 0, `${command}: ${stderr}`);
  assert.equal(stderr.toString(), "", command);
  return stdout;
}
