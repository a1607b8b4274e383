// Owns the sound that goes back to seated people: each their mix without themselves, one encoding for all who are silent.
// Refuses to know peers; it is given functions that send.

import type { Opus, OpusEncoder } from "@hustings/media/codec/opus.ts";
import { PACKET_SAMPLES } from "@hustings/wire/units.ts";

export interface ReturnTarget {
  readonly seat: number;
  /** Share of our packets that the other side lost of late, 0-1. */
  readonly lossFraction: number;
  readonly send: (opus: Uint8Array, timestamp: number) => void;
}

export interface Returns extends Disposable {
  /** One tick: `programme` to every seat that has no mix of its own in `mixMinus`. */
  send(
    tick: number,
    targets: readonly ReturnTarget[],
    programme: Float32Array,
    mixMinus: ReadonlyMap<number, Float32Array>,
  ): void;
}

const BITRATE_BPS = 32_000;
/**
 * A tick of ten speakers encodes ten of these. Tuned as a programme, a packet costs a third of what it does tuned as a
 * voice, and is written with FEC all the same as soon as loss is reported. Complexity 3 buys 0.1 dB more.
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
    const silent = targets.filter(({ seat }) => !mixMinus.has(seat));
    if (silent.length > 0) {
      shared ??= createLossyEncoder(opus);
      const packet = shared.encode(programme, Math.max(...silent.map(({ lossFraction }) => lossFraction)));
      for (const target of silent) target.send(packet, timestamp);
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

/** An encoder with FEC whose redundancy follows the loss, in steps of five percent. */
function createLossyEncoder(opus: Opus): LossyEncoder {
  const encoder: OpusEncoder = opus.encoder({
    bitrateBps: BITRATE_BPS,
    complexity: COMPLEXITY,
    inbandFec: true,
    tuning: "programme",
  });
  let toldPercent = 0;
  return {
    encode(pcm, lossFraction) {
      const percent = Math.min(30, Math.ceil(lossFraction * 20) * 5);
      if (percent !== toldPercent) {
        toldPercent = percent;
        encoder.setExpectedLoss(percent);
      }
      return encoder.encode(pcm);
    },
    [Symbol.dispose]: () => encoder[Symbol.dispose](),
  };
}
