// Decodes the packets of a file to mono: of one Opus stream, or of several as the file's channel mapping says.

import type { SurroundLayout } from "../container/ogg/opus-head.ts";
import { packetDurationSamples } from "../container/opus-packet.ts";
import { streamsDurationSamples, streamsOf } from "../container/opus-streams.ts";
import { type Opus, type OpusDecoder, OpusError } from "./opus.ts";

/** Decodes the packets of one file, and conceals those that the codec refuses. */
export interface FileDecoder extends Disposable {
  decode(packet: Uint8Array): Float32Array;
  /** `durationSamples` is a multiple of 120 up to 5760. */
  conceal(durationSamples: number): Float32Array;
}

export function createSurroundDecoder(opus: Opus, layout: SurroundLayout): FileDecoder {
  const { streams, coupled, gains } = layout;
  const stack = new DisposableStack();
  const decoders = Array.from({ length: streams }, (_, index) =>
    stack.use(index < coupled ? opus.stereoDecoder() : opus.decoder()),
  );

  function mixed(durationSamples: number, soundOf: (decoder: OpusDecoder, stream: number) => Float32Array) {
    const mono = new Float32Array(durationSamples);
    for (const [stream, decoder] of decoders.entries()) {
      const sound = soundOf(decoder, stream);
      if (stream < coupled) addStereo(mono, sound, gains[2 * stream] ?? 0, gains[2 * stream + 1] ?? 0);
      else addMono(mono, sound, gains[coupled + stream] ?? 0);
    }
    return mono;
  }

  return {
    decode(packet) {
      const packets = streamsOf(packet, streams);
      return mixed(streamsDurationSamples(packets), (decoder, stream) =>
        decodedOrConcealed(decoder, packets[stream] as Uint8Array),
      );
    },
    conceal: (durationSamples) => mixed(durationSamples, (decoder) => decoder.conceal(durationSamples)),
    [Symbol.dispose]: () => stack.dispose(),
  };
}

/** For packets of one stream. */
export function createMonoDecoder(opus: Opus): FileDecoder {
  const decoder = opus.decoder();
  return {
    decode: (packet) => decodedOrConcealed(decoder, packet),
    conceal: (durationSamples) => decoder.conceal(durationSamples),
    [Symbol.dispose]: () => decoder[Symbol.dispose](),
  };
}

function decodedOrConcealed(decoder: OpusDecoder, packet: Uint8Array): Float32Array {
  try {
    return decoder.decode(packet);
  } catch (error) {
    if (!(error instanceof OpusError)) throw error;
    return decoder.conceal(packetDurationSamples(packet));
  }
}

function addMono(mono: Float32Array, sound: Float32Array, gain: number): void {
  for (let at = 0; at < mono.length; at += 1) mono[at] = (mono[at] ?? 0) + gain * (sound[at] ?? 0);
}

function addStereo(mono: Float32Array, sound: Float32Array, leftGain: number, rightGain: number): void {
  for (let at = 0; at < mono.length; at += 1)
    mono[at] = (mono[at] ?? 0) + leftGain * (sound[2 * at] ?? 0) + rightGain * (sound[2 * at + 1] ?? 0);
}
