// An adaptive playout buffer: every pop gives exactly one action for one speaker's decoder.

import { type LevelDbov, PACKET_SAMPLES, SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";
import { packetDurationSamples, packetHasFec, packetIsDtx } from "../container/opus-packet.ts";
import { createJitterEstimate } from "./jitter-estimate.ts";
import { type BufferedPacket, PacketBuffer } from "./packet-buffer.ts";
import { createTimestampUnwrapper, STRAY_SAMPLES } from "./timestamp-unwrap.ts";

export interface ArrivedPacket {
  /** 32 bits at 48 kHz; wraps. */
  readonly timestamp: number;
  readonly opus: Uint8Array;
  readonly arrivalMs: number;
  /** A copy that came with a later packet (RED). */
  readonly redundant: boolean;
  /** Level that the sender measured; the delay is changed where the sound is quiet. */
  readonly levelDbov?: LevelDbov;
}

/** An action for the decoder. `durationSamples` is a multiple of 120, from 120 to 5760. */
export type PlayoutAction =
  /** `skipped` was due before and is left out: decode it first and cross-fade the two. */
  | {
      readonly kind: "packet";
      readonly opus: Uint8Array;
      readonly durationSamples: number;
      readonly skipped?: Uint8Array;
    }
  /** The packet was lost, but `next`, which the next pop gives, carries a copy. */
  | { readonly kind: "fec"; readonly next: Uint8Array; readonly durationSamples: number }
  /** The packet was lost or has not arrived. At most 100 ms in a row. */
  | { readonly kind: "conceal"; readonly durationSamples: number }
  /** The stream has not started, is paused, or has stopped. */
  | { readonly kind: "silence"; readonly durationSamples: number };

export interface PlayoutStats {
  readonly received: number;
  readonly duplicate: number;
  /** Primary packets that missed their turn. */
  readonly late: number;
  /** Stray packets and packets that are not usable Opus. */
  readonly refused: number;
  readonly played: number;
  readonly recoveredFromRed: number;
  readonly recoveredFromFec: number;
  readonly concealed: number;
  /** Concealed pieces that grew the delay, and packets left out to shrink it. */
  readonly inserted: number;
  readonly dropped: number;
  /** Time from the arrival of the fastest packet to its pop, at the last pop. */
  readonly delayMs: number;
  readonly targetMs: number;
}

export interface PlayoutBuffer {
  push(packet: ArrivedPacket): void;
  /** Call again when the action's duration has passed. */
  pop(nowMs: number): PlayoutAction;
  reset(): void;
  stats(): PlayoutStats;
}

export interface PlayoutOptions {
  /** Absent: 20. */
  readonly minDelayMs?: number;
  /** Absent: 400. Sound more than 60 ms later than this is dropped at once. */
  readonly maxDelayMs?: number;
  /** Delay before any packet has arrived; absent: 40. */
  readonly startDelayMs?: number;
}

/** Longer concealment would only drone. */
export const MAX_CONCEAL_SAMPLES = 4800;

const PER_MS = SAMPLE_RATE_HZ / 1000;
const QUANTUM_SAMPLES = 120;
/** The error of the delay from which it is corrected: where the sound is quiet, or anywhere. */
const QUIET_SLACK_MS = { short: 10, excess: 30 } as const;
const FORCED_SLACK_MS = { short: 60, excess: 80 } as const;
const JUMP_SLACK_MS = 60;
const CORRECTION_GAP_SAMPLES = 9600;
const QUIET_DBOV: LevelDbov = 50;

export function createPlayoutBuffer(options: PlayoutOptions = {}): PlayoutBuffer {
  return new AdaptiveBuffer({
    minDelayMs: options.minDelayMs ?? 20,
    maxDelayMs: options.maxDelayMs ?? 400,
    startDelayMs: options.startDelayMs ?? 40,
  });
}

class AdaptiveBuffer implements PlayoutBuffer {
  readonly #bounds: Required<PlayoutOptions>;
  #jitter;
  readonly #timestamps = createTimestampUnwrapper();
  readonly #buffered = new PacketBuffer();
  #state: "idle" | "priming" | "playing" = "idle";
  #cursor: number | undefined;
  #concealed = 0;
  #sinceCorrection = 0;
  #lastDuration = PACKET_SAMPLES;
  #meanBytes = 60;
  #lastWasDtx = false;
  #stats = {
    received: 0,
    duplicate: 0,
    late: 0,
    refused: 0,
    played: 0,
    recoveredFromRed: 0,
    recoveredFromFec: 0,
    concealed: 0,
    inserted: 0,
    dropped: 0,
    delayMs: 0,
  };

  constructor(bounds: Required<PlayoutOptions>) {
    this.#bounds = bounds;
    this.#jitter = createJitterEstimate(bounds);
  }

  push(packet: ArrivedPacket): void {
    const durationSamples = packetDurationSamples(packet.opus);
    const position = durationSamples === 0 ? undefined : this.#positionOf(packet);
    if (position === undefined) {
      this.#stats.refused += 1;
      return;
    }
    const mediaMs = position / PER_MS;
    if (!packet.redundant) this.#stats.received += 1;
    if (this.#cursor !== undefined && position < this.#cursor && !this.#mayRewind(position)) {
      this.#overdue(packet, position, mediaMs);
      return;
    }
    const quiet = this.#isQuiet(packet);
    if (!this.#insert({ position, opus: packet.opus, durationSamples, redundant: packet.redundant, quiet })) return;
    this.#jitter.arrived(mediaMs, packet.arrivalMs);
    if (this.#state === "idle") this.#state = "priming";
    if (this.#state === "priming") this.#cursor = this.#buffered.first?.position;
  }

  pop(nowMs: number): PlayoutAction {
    if (this.#state === "idle" || this.#cursor === undefined) return silence(PACKET_SAMPLES);
    let delayMs = this.#delayMs(this.#cursor, nowMs);
    if (this.#state === "priming") {
      if (delayMs < this.#jitter.targetMs) return silence(PACKET_SAMPLES);
      this.#state = "playing";
      this.#concealed = 0;
    }
    if (delayMs > this.#bounds.maxDelayMs + JUMP_SLACK_MS) {
      this.#jump(delayMs - this.#jitter.targetMs);
      delayMs = this.#delayMs(this.#cursor, nowMs);
    }
    this.#stats.delayMs = delayMs;
    const errorMs = delayMs - this.#jitter.targetMs;
    const next = this.#buffered.first;
    if (next === undefined) return this.#starve();
    const gap = this.#closeGap(next, errorMs);
    if (gap > 0) return this.#bridge(next, gap, errorMs);
    return this.#playInPlace(next, errorMs);
  }

  reset(): void {
    this.#timestamps.reset();
    this.#begin();
  }

  stats(): PlayoutStats {
    return { ...this.#stats, targetMs: this.#jitter.targetMs };
  }

  #delayMs(cursor: number, nowMs: number): number {
    return this.#jitter.relativeMs(cursor / PER_MS, nowMs);
  }

  #begin(): void {
    this.#jitter = createJitterEstimate(this.#bounds);
    this.#buffered.clear();
    this.#state = "idle";
    this.#cursor = undefined;
    this.#concealed = 0;
    this.#lastWasDtx = false;
  }

  #positionOf(packet: ArrivedPacket): number | undefined {
    const unwrapped = this.#timestamps.unwrap(packet.timestamp, packet.redundant, this.#state === "idle");
    if (unwrapped.kind === "stray") return undefined;
    if (unwrapped.kind === "jump") this.#begin();
    return unwrapped.position;
  }

  /** Until the first packet is played, an older packet moves the start back. */
  #mayRewind(position: number): boolean {
    return this.#state === "priming" && !this.#buffered.anyPlayed && position >= (this.#cursor ?? 0) - STRAY_SAMPLES;
  }

  #overdue(packet: ArrivedPacket, position: number, mediaMs: number): void {
    if (this.#buffered.wasPlayed(position)) {
      if (!packet.redundant) this.#stats.duplicate += 1;
      return;
    }
    if (!packet.redundant) this.#stats.late += 1;
    if (this.#state === "playing") this.#jitter.missed(mediaMs, packet.arrivalMs);
  }

  #isQuiet(packet: ArrivedPacket): boolean {
    const { length } = packet.opus;
    const quiet = packet.levelDbov === undefined ? length < this.#meanBytes / 2 : packet.levelDbov > QUIET_DBOV;
    if (!packet.redundant) this.#meanBytes += (length - this.#meanBytes) / 64;
    return quiet || packetIsDtx(packet.opus);
  }

  #insert(packet: BufferedPacket): boolean {
    const outcome = this.#buffered.add(packet);
    if (outcome === "duplicate") {
      if (!packet.redundant) this.#stats.duplicate += 1;
      return false;
    }
    if (outcome === "overflow") {
      this.#stats.dropped += 1;
      if (this.#state === "playing") this.#cursor = this.#buffered.first?.position;
    }
    return true;
  }

  /** Skips to the target delay after a stall that ended in a burst. */
  #jump(excessMs: number): void {
    const cursor = this.#cursor ?? 0;
    const wanted = cursor + excessMs * PER_MS;
    this.#stats.dropped += this.#buffered.dropBefore(wanted);
    this.#cursor = Math.max(cursor, Math.min(wanted, this.#buffered.first?.position ?? wanted));
  }

  /**
   * Samples missing before `next`. Concealment played while waiting counts: whole missing packets are skipped while the
   * delay is long enough, except the last one if `next` carries its copy.
   */
  #closeGap(next: BufferedPacket, errorMs: number): number {
    const cursor = this.#cursor ?? next.position;
    let gap = next.position - cursor;
    if (this.#concealed > 0 && errorMs > 0) {
      const kept = packetHasFec(next.opus) ? this.#lastDuration : 0;
      const spare = Math.min(gap - kept, (errorMs + QUIET_SLACK_MS.short) * PER_MS);
      gap -= Math.max(0, Math.floor(spare / this.#lastDuration)) * this.#lastDuration;
    }
    if (gap < QUANTUM_SAMPLES) gap = 0;
    this.#cursor = next.position - gap;
    return gap;
  }

  #starve(): PlayoutAction {
    if (this.#lastWasDtx || this.#concealed >= MAX_CONCEAL_SAMPLES) {
      this.#state = "idle";
      return silence(this.#lastDuration);
    }
    return this.#conceal(this.#lastDuration, false);
  }

  #bridge(next: BufferedPacket, gap: number, errorMs: number): PlayoutAction {
    const piece = Math.min(this.#lastDuration, gap - (gap % QUANTUM_SAMPLES));
    if (this.#lastWasDtx || this.#concealed >= MAX_CONCEAL_SAMPLES) {
      this.#cursor = (this.#cursor ?? 0) + piece;
      return silence(piece);
    }
    if (errorMs < -QUIET_SLACK_MS.short) return this.#conceal(piece, false);
    if (gap === piece && packetHasFec(next.opus)) {
      this.#cursor = (this.#cursor ?? 0) + piece;
      this.#stats.recoveredFromFec += 1;
      this.#concealed = 0;
      return { kind: "fec", next: next.opus, durationSamples: piece };
    }
    return this.#conceal(piece, true);
  }

  #conceal(durationSamples: number, advance: boolean): PlayoutAction {
    this.#concealed += durationSamples;
    this.#stats.concealed += 1;
    if (advance) this.#cursor = (this.#cursor ?? 0) + durationSamples;
    return { kind: "conceal", durationSamples };
  }

  #playInPlace(next: BufferedPacket, errorMs: number): PlayoutAction {
    const mayCorrect = this.#sinceCorrection >= CORRECTION_GAP_SAMPLES;
    const short = next.quiet ? QUIET_SLACK_MS.short : FORCED_SLACK_MS.short;
    if (mayCorrect && errorMs < -short) {
      this.#sinceCorrection = 0;
      this.#stats.inserted += 1;
      return { kind: "conceal", durationSamples: next.durationSamples };
    }
    const excess = next.quiet ? QUIET_SLACK_MS.excess : FORCED_SLACK_MS.excess;
    const after = this.#buffered.second;
    const follows = after?.position === next.position + next.durationSamples;
    if (mayCorrect && errorMs > excess && follows && after.durationSamples === next.durationSamples) {
      this.#sinceCorrection = 0;
      this.#stats.dropped += 1;
      this.#buffered.takeFirst();
      return { ...this.#play(after), skipped: next.opus };
    }
    return this.#play(next);
  }

  #play(packet: BufferedPacket): { kind: "packet"; opus: Uint8Array; durationSamples: number } {
    this.#cursor = this.#buffered.takeFirst();
    this.#stats.played += 1;
    if (packet.redundant) this.#stats.recoveredFromRed += 1;
    this.#concealed = 0;
    this.#sinceCorrection += packet.durationSamples;
    this.#lastDuration = packet.durationSamples;
    this.#lastWasDtx = packetIsDtx(packet.opus);
    return { kind: "packet", opus: packet.opus, durationSamples: packet.durationSamples };
  }
}

function silence(durationSamples: number): PlayoutAction {
  return { kind: "silence", durationSamples };
}
