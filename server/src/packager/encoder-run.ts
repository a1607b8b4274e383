// One run of ffmpeg: waits for samples, encodes them as AAC and exits. Time and output are limited.

import { spawn } from "node:child_process";
import type { Clock } from "@hustings/flow/clock.ts";
import { AAC_BITRATE_BPS } from "@hustings/media/container/aac.ts";
import { SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";

export interface EncoderRun {
  /** Mono 48 kHz 32-bit floats to ADTS. Call once. */
  encode(pcm: Buffer, withinMs?: number): Promise<Buffer>;
  readonly isOver: boolean;
  [Symbol.dispose](): void;
}

const RUN_MS = 10_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;
const MAX_ERROR_CHARACTERS = 500;

const ARGS = [
  ...["-v", "error", "-threads", "1", "-f", "f32le", "-ar", String(SAMPLE_RATE_HZ), "-ac", "1", "-i", "pipe:0"],
  ...["-c:a", "aac", "-b:a", String(AAC_BITRATE_BPS), "-threads", "1", "-flags", "+bitexact", "-f", "adts", "pipe:1"],
];

export function startRun(command: string, clock: Clock): EncoderRun {
  const child = spawn(command, ARGS, { stdio: ["pipe", "pipe", "pipe"] });
  const ended = Promise.withResolvers<Buffer>();
  ended.promise.catch(() => undefined);
  const output: Buffer[] = [];
  let outputBytes = 0;
  let errorText = "";
  let isOver = false;
  const kill = (): void => void child.kill("SIGKILL");
  child.stdout.on("data", (bytes: Buffer) => {
    outputBytes += bytes.length;
    if (outputBytes > MAX_OUTPUT_BYTES) kill();
    else output.push(bytes);
  });
  child.stderr.on("data", (bytes: Buffer) => {
    errorText = (errorText + String(bytes)).slice(-MAX_ERROR_CHARACTERS);
  });
  child.stdin.on("error", () => undefined);
  child.on("error", (cause) => {
    isOver = true;
    ended.reject(cause);
  });
  child.on("exit", () => {
    isOver = true;
  });
  child.on("close", (code, signal) => {
    if (code === 0) ended.resolve(Buffer.concat(output));
    else ended.reject(new Error(`ffmpeg ended with ${code ?? signal}: ${errorText}`));
  });
  return {
    async encode(pcm, withinMs = RUN_MS) {
      const patience = clock.after(withinMs, kill);
      try {
        child.stdin.end(pcm);
        return await ended.promise;
      } finally {
        patience.cancel();
      }
    },
    get isOver() {
      return isOver;
    },
    [Symbol.dispose]: kill,
  };
}
