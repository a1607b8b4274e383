// Mixes the seats of a stage into the programme, and for each seat a mix-minus. Gains are ramped, so nothing clicks.

import { PACKET_SAMPLES } from "@hustings/wire/units.ts";
import { createLimiter, type Limiter } from "./limiter.ts";

export interface MixerInput {
  readonly seat: number;
  /** 960 samples. */
  readonly pcm: Float32Array;
  /** Linear; 0 is muted. The mixer ramps to it within 5 ms. A new seat starts at 0. */
  readonly gain: number;
}

/** Frames of one tick: 960 samples each, limited, 5 ms behind the input. The next tick overwrites them. */
export interface MixerOutput {
  /** All seats: for listeners, and for seats without a mix of their own. */
  readonly programme: Float32Array<ArrayBuffer>;
  /** By seat number, for each audible seat. */
  readonly mixMinus: ReadonlyMap<number, Float32Array<ArrayBuffer>>;
}

export interface Mixer {
  /** A seat that is no longer in `seats` fades out. */
  tick(seats: readonly MixerInput[]): MixerOutput;
}

/** 5 ms. */
export const RAMP_SAMPLES = 240;

interface Channel {
  gain: number;
  last: number;
  own: Float32Array;
  readonly scaled: Float32Array;
  limiter: Limiter | undefined;
}

/**
 * Sums in double precision and subtracts each audible seat's own samples, so that a mix-minus is exact. Silent seats
 * share the programme's frame; changing between the two is a cross-fade of 5 ms.
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

/** Adds the seat to the sum and keeps its samples in `channel.own`. False: they are silent. */
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

/** Fades after the first 5 ms, by when the seat's own sound has left the limiter's delay. */
function crossFade(from: Float32Array, to: Float32Array): Float32Array<ArrayBuffer> {
  const out = new Float32Array(to.length);
  for (let index = 0; index < out.length; index += 1) {
    const share = Math.min(1, Math.max(0, (index - RAMP_SAMPLES) / RAMP_SAMPLES));
    out[index] = (from[index] ?? 0) * (1 - share) + (to[index] ?? 0) * share;
  }
  return out;
}
