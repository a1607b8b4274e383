// Lets a speaker hear their own microphone, and checks whether others would hear themselves through it. Nothing is sent.

import { type Clock, sleep } from "@hustings/flow/clock.ts";
import { writeWav } from "@hustings/media/container/wav/wav-writer.ts";
import { type EchoVerdict, ESTIMATE_RATE_HZ, estimateEcho } from "@hustings/media/measure/echo-estimate.ts";
import { probePcm } from "@hustings/media/measure/echo-probe.ts";
import type { Microphone } from "@hustings/speaker/browser/microphone.ts";
import { SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";
import type { SoundOutput } from "./sound-output.svelte.ts";

export type CheckStep = "idle" | "recording" | "playing" | "echo";
/** `failed`: this browser cannot record or play. */
export type EchoResult = EchoVerdict | "failed";

const OWN_VOICE_MS = 4_000;
/** Loudspeakers without wires are up to half a second late. */
const LATEST_MS = 1_200;
/** The clocks of playing and of recording are not read at the same moment. */
const EARLIEST_MS = -200;

export interface CheckOptions {
  readonly clock: Clock;
  readonly output: SoundOutput;
}

export class SoundCheck implements Disposable {
  step = $state.raw<CheckStep>("idle");
  echo = $state.raw<EchoResult | undefined>();
  isPlaybackFailed = $state.raw(false);
  readonly #options: CheckOptions;
  readonly #stopped = new AbortController();

  constructor(options: CheckOptions) {
    this.#options = options;
  }

  static get isPossible(): boolean {
    return "MediaRecorder" in globalThis;
  }

  /** Records a few seconds and plays them. */
  async hearYourself(microphone: Microphone): Promise<void> {
    await this.#run("recording", async () => {
      this.isPlaybackFailed = false;
      const { signal } = this.#stopped;
      const recording = record(microphone.unmuted, signal);
      await sleep(this.#options.clock, OWN_VOICE_MS, signal);
      const sound = await recording.stop();
      this.step = "playing";
      await this.#play(sound);
    }).catch(() => {
      this.isPlaybackFailed = true;
    });
  }

  /** Plays chirps and listens for them with the microphone as it will be on air. */
  async checkEcho(microphone: Microphone): Promise<void> {
    this.echo = undefined;
    await this.#run("echo", async () => {
      const { clock } = this.#options;
      const { signal } = this.#stopped;
      const recording = record(microphone.unmuted, signal);
      const beganMs = await recording.begun.then(() => clock.monotonicMs());
      let playsMs = beganMs;
      await this.#play(new Blob([writeWav(probePcm(SAMPLE_RATE_HZ))], { type: "audio/wav" }), () => {
        playsMs = clock.monotonicMs();
      });
      await sleep(clock, LATEST_MS, signal);
      const pcm = await decode(await recording.stop());
      const offsetMs = playsMs - beganMs;
      this.echo = estimateEcho(pcm, offsetMs + EARLIEST_MS, offsetMs + LATEST_MS).verdict;
    }).catch(() => {
      this.echo = "failed";
    });
  }

  [Symbol.dispose](): void {
    this.#stopped.abort();
  }

  async #run(step: CheckStep, action: () => Promise<void>): Promise<void> {
    if (this.step !== "idle") return;
    this.step = step;
    try {
      await action();
    } finally {
      this.step = "idle";
    }
  }

  /** Resolves when the sound has ended. */
  async #play(sound: Blob, onPlaying: () => void = () => undefined): Promise<void> {
    const { signal } = this.#stopped;
    signal.throwIfAborted();
    const url = URL.createObjectURL(sound);
    const element = new Audio(url);
    const over = Promise.withResolvers<void>();
    element.onplaying = onPlaying;
    element.onended = () => over.resolve();
    element.onerror = () => over.reject(new Error("The browser cannot play the sound.", { cause: element.error }));
    signal.addEventListener("abort", () => over.reject(signal.reason), { once: true });
    over.promise.catch(() => undefined);
    this.#options.output.playOn(element);
    try {
      await element.play();
      await over.promise;
    } finally {
      element.pause();
      this.#options.output.forget(element);
      URL.revokeObjectURL(url);
    }
  }
}

interface Recording {
  /** Resolves when the first sound is recorded. */
  readonly begun: Promise<void>;
  stop(): Promise<Blob>;
}

function record(stream: MediaStream, signal: AbortSignal): Recording {
  const recorder = new MediaRecorder(stream);
  const parts: Blob[] = [];
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<Blob>();
  const fail = (cause: unknown): void => {
    begun.reject(cause);
    ended.reject(cause);
  };
  for (const { promise } of [begun, ended]) (promise as Promise<unknown>).catch(() => undefined);
  recorder.ondataavailable = ({ data }) => void parts.push(data);
  recorder.onstart = () => begun.resolve();
  recorder.onstop = () => ended.resolve(new Blob(parts, { type: recorder.mimeType }));
  recorder.onerror = fail;
  signal.addEventListener(
    "abort",
    () => {
      if (recorder.state !== "inactive") recorder.stop();
      fail(signal.reason);
    },
    { once: true },
  );
  recorder.start();
  return {
    begun: begun.promise,
    stop() {
      if (recorder.state !== "inactive") recorder.stop();
      return ended.promise;
    },
  };
}

async function decode(recorded: Blob): Promise<Float32Array> {
  const context = new OfflineAudioContext(1, 1, ESTIMATE_RATE_HZ);
  const buffer = await context.decodeAudioData(await recorded.arrayBuffer());
  return buffer.getChannelData(0);
}
