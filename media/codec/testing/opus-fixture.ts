// Encodes sound for tests, also in stereo, which Hustings itself never sends.

import { PACKET_SAMPLES, SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";
import { loadLibopus } from "../libopus.ts";

const APPLICATION_AUDIO = 2049;
const MAX_BYTES = 4000;
/** Forces both channels: the encoder may otherwise send equal channels as mono. OPUS_SET_FORCE_CHANNELS of libopus. */
const SET_FORCE_CHANNELS = 4022;

/** Packets of 20 ms from interleaved samples; the rest that does not fill a packet is left out. */
export async function encodeStereo(interleaved: Float32Array): Promise<Uint8Array[]> {
  const libopus = await loadLibopus();
  const error = libopus._malloc(4);
  const encoder = libopus._oc_create_encoder(SAMPLE_RATE_HZ, 2, APPLICATION_AUDIO, error);
  libopus._oc_encoder_ctl(encoder, SET_FORCE_CHANNELS, 2);
  const pcm = libopus._malloc(PACKET_SAMPLES * 2 * 4);
  const packet = libopus._malloc(MAX_BYTES);
  const packets: Uint8Array[] = [];
  for (let at = 0; at + PACKET_SAMPLES * 2 <= interleaved.length; at += PACKET_SAMPLES * 2) {
    libopus.HEAPF32.set(interleaved.subarray(at, at + PACKET_SAMPLES * 2), pcm / 4);
    const length = libopus._oc_encode_float(encoder, pcm, PACKET_SAMPLES, packet, MAX_BYTES);
    packets.push(libopus.HEAPU8.slice(packet, packet + length));
  }
  return packets;
}

/** Two channels as one array of alternating samples. */
export function interleave(left: Float32Array, right: Float32Array): Float32Array {
  const both = new Float32Array(left.length * 2);
  for (let at = 0; at < left.length; at += 1) {
    both[2 * at] = left[at] ?? 0;
    both[2 * at + 1] = right[at] ?? 0;
  }
  return both;
}
