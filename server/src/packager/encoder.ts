// Owns turning samples into AAC: one run of the ffmpeg program for one stretch of sound, in a process of its own, bounded
// in time and in number. Refuses to know where the samples come from, and to keep anything between runs: what comes out
// depends on what went in alone.

import { spawn } from "node:child_process";
import { AAC_BITRATE_BPS, framesInAdts } from "@hustings/media/aac.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";

export interface AacEncoder {
  /**
   * Mono, 48 kHz, a whole number of frames. Frame `i` of the answer decodes, behind the one before it, to the samples of
   * frame `i − 1`: the encoder is one frame late. Throws a Refusal: `full`, `internal`.
   */
  encode(pcm: Float32Array<ArrayBuffer>): Promise<readonly Uint8Array[]>;
}

export interface EncoderOptions {
  /** The program; "ffmpeg" is looked for on the PATH. */
  readonly command?: string;
}

/** Runs at once: each is a fraction of a second of one core. */
const MAX_RUNS = 2;
/** Stretches that wait for one; one more is refused with `full`. */
const MAX_QUEUED = 64;
const RUN_MS = 10_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;

const ARGS = [
  ...["-v", "error", "-threads", "1", "-f", "f32le", "-ar", String(SAMPLE_RATE_HZ), "-ac", "1", "-i", "pipe:0"],
  ...["-c:a", "aac", "-b:a", String(AAC_BITRATE_BPS), "-threads", "1", "-flags", "+bitexact", "-f", "adts", "pipe:1"],
];

/** Resolves when the program was found and has the encoder; rejects with a sentence for the operator when not. */
export async function startAacEncoder({ command = "ffmpeg" }: EncoderOptions = {}): Promise<AacEncoder> {
  const encoder = createEncoder(command);
  try {
    await encoder.encode(new Float32Array(1024 * 4));
  } catch (cause) {
    throw new Error(`AAC needs the program ffmpeg with its aac encoder on the PATH (Debian: apt-get install ffmpeg).`, {
      cause,
    });
  }
  return encoder;
}

function createEncoder(command: string): AacEncoder {
  const queue: (() => void)[] = [];
  let running = 0;

  async function turn(): Promise<void> {
    if (running >= MAX_RUNS) {
      if (queue.length >= MAX_QUEUED) throw new Refusal("full", undefined, { retryAfterMs: 2_000 });
      await new Promise<void>((resolve) => queue.push(resolve));
    }
    running++;
  }

  return {
    async encode(pcm) {
      await turn();
      try {
        return framesInAdts(await run(command, Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength)));
      } catch (cause) {
        throw new Refusal("internal", undefined, { cause });
      } finally {
        running--;
        queue.shift()?.();
      }
    },
  };
}

function run(command: string, input: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, ARGS, { stdio: ["pipe", "pipe", "pipe"], timeout: RUN_MS, killSignal: "SIGKILL" });
    const output: Buffer[] = [];
    let outputBytes = 0;
    let said = "";
    child.stdout.on("data", (bytes: Buffer) => {
      outputBytes += bytes.length;
      if (outputBytes > MAX_OUTPUT_BYTES) child.kill("SIGKILL");
      else output.push(bytes);
    });
    child.stderr.on("data", (bytes: Buffer) => {
      said = (said + String(bytes)).slice(-500);
    });
    child.stdin.on("error", () => undefined);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) resolve(Buffer.concat(output));
      else reject(new Error(`ffmpeg ended with ${code ?? signal}: ${said}`));
    });
    child.stdin.end(input);
  });
}
