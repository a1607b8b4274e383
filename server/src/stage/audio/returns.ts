// Encodes the sound that goes back to seated people: to each speaking person a mix without their own voice, to all others
// one shared encoding of the programme.

import type { Opus, OpusEncoder } from "@hustings/media/codec/opus.ts";
import { PACKET_SAMPLES } from "@hustings/wire/units.ts";

export interface ReturnTarget {
  readonly seat: number;
  /** Share of our packets that the other side lost recently, 0-1. */
  readonly lossFraction: number;
  readonly send: (opus: Uint8Array, timestamp: number) => void;
}

export interface Returns extends Disposable {
  /** Sends one tick: its own mix to every seat in `mixMinus`, `programme` to the others. */
  send(
    tick: number,
    targets: readonly ReturnTarget[],
    programme: Float32Array,
    mixMinus: ReadonlyMap<number, Float32Array>,
  ): void;
}

const BITRATE_BPS = 32_000;
/**
 * A tick of ten speakers encodes ten returns. Tuned as a programme, a packet costs a third of one tuned as a voice, and
 * still carries FEC as soon as loss is reported. Complexity 3 would gain 0.1 dB.
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

/** An encoder with FEC, whose redundancy follows the loss in steps of 5 %. */
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
