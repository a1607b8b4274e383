// Encodes the sound for seats: a mix without their own voice for speaking people, one shared programme for the rest.

import type { Opus, OpusEncoder } from "@hustings/media/codec/opus.ts";
import { PACKET_SAMPLES } from "@hustings/wire/units.ts";

export interface ReturnTarget {
  readonly seat: number;
  /** Share of packets lost, 0-1, as the other side reports it. */
  readonly lossFraction: number;
  readonly send: (opus: Uint8Array, timestamp: number) => void;
}

export interface Returns extends Disposable {
  /** Seats in `mixMinus` get their own mix, the others `programme`. */
  send(
    tick: number,
    targets: readonly ReturnTarget[],
    programme: Float32Array,
    mixMinus: ReadonlyMap<number, Float32Array>,
  ): void;
}

const BITRATE_BPS = 32_000;
/**
 * A tick of ten speakers encodes ten returns. Complexity 3 would gain 0.1 dB. Tuned as programme, a packet costs a
 * third, and has FEC on reported loss.
 */
const COMPLEXITY = 1;

export function createReturns(opus: Opus): Returns {
  const own = new Map<number, LossyEncoder>();
  let shared: LossyEncoder | undefined;

  function send(
    tick: number,
    targets: readonly ReturnTarget[],
    programme: Float32Array,
    mixMinus: ReadonlyMap<number, Float32Array>,
  ): void {
    const timestamp = (tick * PACKET_SAMPLES) % 2 ** 32;
    const sharing = targets.filter(({ seat }) => !mixMinus.has(seat));
    if (sharing.length > 0) {
      shared ??= createLossyEncoder(opus);
      const packet = shared.encode(programme, Math.max(...sharing.map(({ lossFraction }) => lossFraction)));
      for (const target of sharing) target.send(packet, timestamp);
    }
    for (const { seat, lossFraction, send: sendTo } of targets) {
      const pcm = mixMinus.get(seat);
      if (pcm === undefined) continue;
      const encoder = own.get(seat) ?? createLossyEncoder(opus);
      own.set(seat, encoder);
      sendTo(encoder.encode(pcm, lossFraction), timestamp);
    }
    for (const [seat, encoder] of own) {
      if (targets.some((target) => target.seat === seat)) continue;
      encoder[Symbol.dispose]();
      own.delete(seat);
    }
  }

  return {
    send,
    [Symbol.dispose]() {
      shared?.[Symbol.dispose]();
      for (const encoder of own.values()) encoder[Symbol.dispose]();
      own.clear();
    },
  };
}

interface LossyEncoder extends Disposable {
  encode(pcm: Float32Array, lossFraction: number): Uint8Array;
}

/** Redundancy follows the loss in steps of 5 %. */
function createLossyEncoder(opus: Opus): LossyEncoder {
  const encoder: OpusEncoder = opus.encoder({
    bitrateBps: BITRATE_BPS,
    complexity: COMPLEXITY,
    inbandFec: true,
    tuning: "programme",
  });
  let currentPercent = 0;
  return {
    encode(pcm, lossFraction) {
      const percent = Math.min(30, Math.ceil(lossFraction * 20) * 5);
      if (percent !== currentPercent) {
        currentPercent = percent;
        encoder.setExpectedLoss(percent);
      }
      return encoder.encode(pcm);
    },
    [Symbol.dispose]: () => encoder[Symbol.dispose](),
  };
}
