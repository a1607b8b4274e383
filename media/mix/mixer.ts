// Owns the sum of a stage: the programme, and for each seat the programme without that seat (mix-minus).
// Refuses to know codecs, people and why a gain is what it is. Nothing here clicks: every change of gain is a ramp.

import { PACKET_SAMPLES } from "@hustings/wire/units.ts";
import { createLimiter, type Limiter } from "./limiter.ts";

/** What one seat brings to one tick. */
export interface MixerInput {
  readonly seat: number;
  /** 960 samples. */
  readonly pcm: Float32Array;
  /** Linear; 0 is muted. Reached within 5 ms from whatever it was; a seat that is new starts at 0. */
  readonly gain: number;
}

/** What one tick gives. Every frame is 960 samples, limited, 5 ms behind its input; the next tick writes over them. */
export interface MixerOutput {
  /** All seats: what listeners hear, and what every seat that is silent hears. */
  readonly programme: Float32Array<ArrayBuffer>;
  /** Seats that must not hear the programme, since they are in it: each gets the rest. The others share it. */
  readonly mixMinus: ReadonlyMap<number, Float32Array<ArrayBuffer>>;
}

export interface Mixer {
  /** One tick. A seat that is not among `seats` has left and fades out. */
  tick(seats: readonly MixerInput[]): MixerOutput;
}

/** Samples of every ramp: 5 ms. */
export const RAMP_SAMPLES = 240;

interface Channel {
  gain: number;
  /** The last sample that went into the sum: what is faded to zero if the seat vanishes. */
  last: number;
  /** What went into the sum; of this tick alone. */
  own: Float32Array;
  /** Where `own` is while the gain is not 1. */
  readonly scaled: Float32Array;
  /** Present while the seat hears a mix of its own. */
  limiter: Limiter | undefined;
}

/**
 * A mixer: sums once in double precision and subtracts each audible seat's own, so that a mix-minus is exact. Seats
 * that contribute nothing share the programme's frame. Passing from one to the other is a cross-fade of 5 ms.
 */
export function createMixer(): Mixer {
  const channels = new Map<number, Channel>();
  const programmeLimiter = createLimiter();
  const sum = new Float64Array(PACKET_SAMPLES);

  function tick(seats: readonly MixerInput[]): MixerOutput {
    sum.fill(0);
    const audible = new Set<number>();
    const present = new Set<number>();
    for (const { seat, pcm, gain } of seats) {
      present.add(seat);
      const channel = channels.get(seat) ?? openChannel();
      channels.set(seat, channel);
      if (contribute(channel, pcm, gain, sum)) audible.add(seat);
    }
    fadeDeparted(present);
    for (const seat of audible) {
      const channel = channels.get(seat);
      if (channel !== undefined) channel.limiter ??= programmeLimiter.copy("sample");
    }
    const programme = programmeLimiter.process(sum);
    const mixMinus = new Map<number, Float32Array<ArrayBuffer>>();
    for (const { seat } of seats) {
      const own = ownMix(seat, audible.has(seat), programme);
      if (own !== undefined) mixMinus.set(seat, own);
    }
    return { programme, mixMinus };
  }

  function fadeDeparted(present: ReadonlySet<number>): void {
    for (const [seat, channel] of channels) {
      if (present.has(seat)) continue;
      for (let index = 0; index < RAMP_SAMPLES; index += 1) {
        sum[index] = (sum[index] ?? 0) + channel.last * (1 - (index + 1) / RAMP_SAMPLES);
      }
      channels.delete(seat);
    }
  }

  /** The seat's mix-minus, or undefined where the shared programme is right for it. */
  function ownMix(seat: number, isAudible: boolean, programme: Float32Array) {
    const channel = channels.get(seat);
    if (channel?.limiter === undefined) return undefined;
    const mixed = channel.limiter.process(sum, channel.own);
    if (isAudible) return mixed;
    channel.limiter = undefined;
    return crossFade(mixed, programme);
  }

  return { tick };
}

function openChannel(): Channel {
  const scaled = new Float32Array(PACKET_SAMPLES);
  return { gain: 0, last: 0, own: scaled, scaled, limiter: undefined };
}

/** Sets `channel.own` to what the seat adds to the sum, and adds it; false when that is nothing at all. */
function contribute(channel: Channel, pcm: Float32Array, target: number, sum: Float64Array): boolean {
  channel.own = channel.gain === 1 && target === 1 ? pcm : scale(channel, pcm, target);
  channel.gain = target;
  channel.last = channel.own[PACKET_SAMPLES - 1] ?? 0;
  if (isSilent(channel.own)) return false;
  addInto(sum, channel.own);
  return true;
}

function scale({ scaled, gain }: Channel, pcm: Float32Array, target: number): Float32Array {
  const step = (target - gain) / RAMP_SAMPLES;
  for (let index = 0; index < RAMP_SAMPLES; index += 1) {
    scaled[index] = (pcm[index] as number) * (gain + step * (index + 1));
  }
  for (let index = RAMP_SAMPLES; index < PACKET_SAMPLES; index += 1) scaled[index] = (pcm[index] as number) * target;
  return scaled;
}

function isSilent(pcm: Float32Array): boolean {
  const { length } = pcm;
  for (let index = 0; index < length; index += 1) if (pcm[index] !== 0) return false;
  return true;
}

function addInto(sum: Float64Array, own: Float32Array): void {
  const { length } = own;
  for (let index = 0; index < length; index += 1) sum[index] = (sum[index] as number) + (own[index] as number);
}

/**
 * From one limited bus to another, both of which carry the same sound but for the newest 5 ms, which are still in the
 * limiters' delay: done when the seat's own sound has left both.
 */
function crossFade(from: Float32Array, to: Float32Array): Float32Array<ArrayBuffer> {
  const out = new Float32Array(to.length);
  for (let index = 0; index < out.length; index += 1) {
    const share = Math.min(1, Math.max(0, (index - RAMP_SAMPLES) / RAMP_SAMPLES));
    out[index] = (from[index] ?? 0) * (1 - share) + (to[index] ?? 0) * share;
  }
  return out;
}
