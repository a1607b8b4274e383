// A speaker who speaks a file in a loop and reconnects after every loss of the connection.

import { type Clock, repeat, sleep, type Timer } from "@hustings/flow/clock.ts";
import { type RetryPolicy, retryDelayMs } from "@hustings/flow/retry.ts";
import { readVoice, speakPackets } from "@hustings/speaker/node/voice-file.ts";
import { connectSpeaker, type Speaker } from "@hustings/speaker/node/whip-client.ts";
import type { Command } from "@hustings/wire/stage/commands.ts";

export interface ReconnectingSpeakerOptions {
  readonly whipUrl: string;
  readonly voicePath: string;
  readonly ticket: () => Promise<string>;
  readonly goesLive: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const RECONNECT: RetryPolicy = { firstMs: 250, capMs: 2_000, tries: Infinity };
const OPEN_TIMEOUT_MS = 20_000;
/** A connected stage sends something fifty times a second. WebRTC notices its absence much later. */
const SILENCE_TIMEOUT_MS = 1_500;
const WATCH_MS = 250;

export class ReconnectingSpeaker {
  /** From the end of each ordered absence to sound on the stage. */
  readonly returnsMs: number[] = [];
  unexpectedDisconnects = 0;
  closed: Promise<void> = Promise.resolve();
  readonly #options: ReconnectingSpeakerOptions;
  readonly #packets: readonly Uint8Array[];
  #speaker: Speaker | undefined;
  #awayUntilMs = 0;
  #hasBeenConnected = false;

  private constructor(options: ReconnectingSpeakerOptions, packets: readonly Uint8Array[]) {
    this.#options = options;
    this.#packets = packets;
  }

  /** Resolves once seated. Rejects after 20 s. */
  static async open(options: ReconnectingSpeakerOptions): Promise<ReconnectingSpeaker> {
    const speaker = new ReconnectingSpeaker(options, await readVoice(options.voicePath));
    const first = Promise.withResolvers<void>();
    speaker.closed = speaker.#stay(first.resolve);
    await Promise.race([first.promise, sleep(options.clock, OPEN_TIMEOUT_MS)]);
    if (!speaker.isConnected) throw new Error("The stage does not accept the drill's speakers.");
    return speaker;
  }

  get isConnected(): boolean {
    return this.#speaker !== undefined;
  }

  get seat(): number | undefined {
    return this.#speaker?.seat;
  }

  /** Resolves with the `seq` of the command's entry. Rejects without a connection. */
  command(command: Command): Promise<number> {
    return this.#speaker?.command(command) ?? Promise.reject(new Error("The speaker is not connected."));
  }

  disconnect(forMs: number): void {
    this.#awayUntilMs = this.#options.clock.monotonicMs() + forMs;
    this.#speaker?.close();
  }

  async #stay(onConnected: () => void): Promise<void> {
    const { clock, signal } = this.#options;
    let attempt = 0;
    let dueMs = clock.monotonicMs();
    while (!signal.aborted) {
      const wasConnected = await this.#connectOnce(onConnected, dueMs).catch(() => false);
      attempt = wasConnected ? 0 : attempt + 1;
      const nowMs = clock.monotonicMs();
      if (wasConnected && !signal.aborted && this.#awayUntilMs < nowMs) this.unexpectedDisconnects++;
      if (wasConnected) dueMs = Math.max(nowMs, this.#awayUntilMs);
      const retryMs = wasConnected ? 0 : (retryDelayMs(RECONNECT, attempt, Math.random) as number);
      await sleep(clock, Math.max(this.#awayUntilMs - nowMs, retryMs), signal).catch(() => undefined);
    }
  }

  /** Resolves with true when the connection is over; rejects if it was not made. */
  async #connectOnce(onConnected: () => void, dueMs: number): Promise<boolean> {
    const { whipUrl, ticket, goesLive, clock, signal } = this.#options;
    const over = Promise.withResolvers<void>();
    let heardMs = clock.monotonicMs();
    const onAnything = (): void => {
      heardMs = clock.monotonicMs();
    };
    const speaker = await connectSpeaker({
      whipUrl,
      ticket: await ticket(),
      onPacket: onAnything,
      onDown: onAnything,
      onClosed: () => over.resolve(),
    });
    const close = (): void => speaker.close();
    const watch = repeat(clock, WATCH_MS, () => {
      if (clock.monotonicMs() - heardMs >= SILENCE_TIMEOUT_MS) close();
    });
    signal.addEventListener("abort", close, { once: true });
    let speaking: Timer | undefined;
    try {
      if (goesLive) await speaker.command({ do: "live" });
      await speaker.command({ do: "mute", seat: speaker.seat, muted: false });
      speaking = speakPackets(this.#packets, (packet) => void speaker.sendPacket(packet), { loops: true });
      this.#speaker = speaker;
      if (this.#hasBeenConnected) this.returnsMs.push(clock.monotonicMs() - dueMs);
      this.#hasBeenConnected = true;
      onConnected();
      if (!signal.aborted) await over.promise;
      return true;
    } finally {
      this.#speaker = undefined;
      watch.cancel();
      speaking?.cancel();
      speaker.close();
      signal.removeEventListener("abort", close);
    }
  }
}
