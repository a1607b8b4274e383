// Owns turning samples into AAC by runs of the ffmpeg program, bounded in number: one for each stretch of sound, begun ahead
// while more is being asked for, so that its start costs no time. Refuses to know where the samples come from, and to keep
// anything between runs: what comes out depends on what went in alone.

import type { Clock, Timer } from "@hustings/flow/clock.ts";
import { framesInAdts } from "@hustings/media/container/aac.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { type EncoderRun, startRun } from "./encoder-run.ts";

export interface AacEncoder {
  /**
   * Mono, 48 kHz, a whole number of frames. Frame `i` of the answer decodes, behind the one before it, to the samples of
   * frame `i − 1`: the encoder is one frame late. Throws a Refusal: `full`, `internal`.
   */
  encode(pcm: Float32Array<ArrayBuffer>): Promise<readonly Uint8Array[]>;
}

export interface FfmpegEncoder extends AacEncoder {
  /** A run waits for what is asked next. */
  readonly isAhead: boolean;
  /** Ends all runs. */
  [Symbol.dispose](): void;
}

export interface EncoderOptions {
  readonly clock: Clock;
  /** The program; "ffmpeg" is looked for on the PATH. */
  readonly command?: string;
}

/** Runs at once, beside the one that waits: each is a tenth of a second of one core. */
const MAX_RUNS = 2;
/** Stretches that wait for one; one more is refused with `full`. */
const MAX_QUEUED = 256;
/** For so long after the last stretch a run waits for the next: plain players ask every four seconds. */
export const AHEAD_MS = 10_000;
/** For the first run, which reads the program from disk while all processes of the server start. */
const START_MS = 60_000;

/** Resolves when the program was found and has the encoder; rejects with a sentence for the operator when not. */
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

/** The one run that waits. */
function createAhead(command: string, clock: Clock) {
  let waiting: EncoderRun | undefined;
  let rest: Timer | undefined;
  let isOver = false;

  function stop(): void {
    rest?.cancel();
    waiting?.[Symbol.dispose]();
    waiting = undefined;
  }

  return {
    /** The run that waits, or a new one. */
    take(): EncoderRun {
      const run = waiting?.isOver === false ? waiting : startRun(command, clock);
      waiting = undefined;
      rest?.cancel();
      return run;
    },
    /** Has one wait, for AHEAD_MS. */
    start(): void {
      if (isOver) return;
      rest?.cancel();
      rest = clock.after(AHEAD_MS, stop);
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
