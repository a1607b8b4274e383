// Encodes samples as AAC, with one run of ffmpeg per stretch of sound. The next run is started ahead.

import type { Clock, Timer } from "@hustings/flow/clock.ts";
import { framesInAdts } from "@hustings/media/container/aac.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { type EncoderRun, startRun } from "./encoder-run.ts";

export interface AacEncoder {
  /**
   * Mono, 48 kHz, whole frames. The encoder is one frame late: frame `i`, decoded after frame `i − 1`, gives the
   * samples of frame `i − 1`. Throws a Refusal: `full`, `internal`.
   */
  encode(pcm: Float32Array<ArrayBuffer>): Promise<readonly Uint8Array[]>;
}

export interface FfmpegEncoder extends AacEncoder {
  readonly isAhead: boolean;
  [Symbol.dispose](): void;
}

export interface EncoderOptions {
  readonly clock: Clock;
  /** Absent: "ffmpeg" on the PATH. */
  readonly command?: string;
}

/** Besides the waiting run; each needs a tenth of a second of one core. */
const MAX_RUNS = 2;
/** More stretches are refused with `full`. */
const MAX_QUEUED = 256;
/** Plain players request one every four seconds. */
export const AHEAD_MS = 10_000;
/** Limit of the first run, which reads the program from disk while the whole server starts. */
const START_MS = 60_000;

/** Rejects with a sentence for the operator if the program cannot encode. */
export async function startAacEncoder({ clock, command = "ffmpeg" }: EncoderOptions): Promise<FfmpegEncoder> {
  try {
    using run = startRun(command, clock);
    framesInAdts(await run.encode(Buffer.alloc(1024 * 4 * 4), START_MS));
  } catch (cause) {
    throw new Error(`AAC needs the program ffmpeg with its aac encoder on the PATH (Debian: apt-get install ffmpeg).`, {
      cause,
    });
  }
  return createEncoder(command, clock);
}

function createEncoder(command: string, clock: Clock): FfmpegEncoder {
  const queue: (() => void)[] = [];
  const running = new Set<EncoderRun>();
  const ahead = createAhead(command, clock);
  let turns = 0;
  let isOver = false;

  async function turn(): Promise<void> {
    if (turns >= MAX_RUNS) {
      if (queue.length >= MAX_QUEUED) throw new Refusal("full", undefined, { retryAfterMs: 2_000 });
      await new Promise<void>((resolve) => queue.push(resolve));
    }
    turns++;
  }

  async function encodeNow(pcm: Float32Array<ArrayBuffer>): Promise<readonly Uint8Array[]> {
    if (isOver) throw new Error("The encoder has ended.");
    using run = ahead.take();
    running.add(run);
    try {
      const frames = framesInAdts(await run.encode(Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength)));
      ahead.start();
      return frames;
    } finally {
      running.delete(run);
    }
  }

  return {
    async encode(pcm) {
      await turn();
      try {
        return await encodeNow(pcm);
      } catch (cause) {
        throw new Refusal("internal", undefined, { cause });
      } finally {
        turns--;
        queue.shift()?.();
      }
    },
    get isAhead() {
      return ahead.isWaiting;
    },
    [Symbol.dispose]() {
      isOver = true;
      ahead[Symbol.dispose]();
      for (const run of running) run[Symbol.dispose]();
    },
  };
}

function createAhead(command: string, clock: Clock) {
  let waiting: EncoderRun | undefined;
  let patience: Timer | undefined;
  let isOver = false;

  function stop(): void {
    patience?.cancel();
    waiting?.[Symbol.dispose]();
    waiting = undefined;
  }

  return {
    take(): EncoderRun {
      const run = waiting?.isOver === false ? waiting : startRun(command, clock);
      waiting = undefined;
      patience?.cancel();
      return run;
    },
    start(): void {
      if (isOver) return;
      patience?.cancel();
      patience = clock.after(AHEAD_MS, stop);
      if (waiting?.isOver !== false) waiting = startRun(command, clock);
    },
    get isWaiting() {
      return waiting?.isOver === false;
    },
    [Symbol.dispose]() {
      isOver = true;
      stop();
    },
  };
}
