// Makes the hold music file, which players loop.

import { PACKET_SAMPLES, SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";
import { initSegment, mediaSegment } from "../container/cmaf.ts";
import { concatBytes } from "../container/mp4-boxes.ts";
import { HOLD_MUSIC_SAMPLES, holdMusicPcm } from "../mix/hold-music.ts";
import type { Opus } from "./opus.ts";

const BITRATE_BPS = 24_000;
const SEGMENT_PACKETS = SAMPLE_RATE_HZ / PACKET_SAMPLES;

/** The loop as CMAF. The encoder encodes it twice and the second pass is kept, so that the end runs into the start. */
export function holdMusicFile(opus: Opus): Uint8Array<ArrayBuffer> {
  const pcm = holdMusicPcm();
  using encoder = opus.encoder({ bitrateBps: BITRATE_BPS, complexity: 10, tuning: "programme" });
  const packets: Uint8Array[] = [];
  for (let round = 0; round < 2; round++) {
    packets.length = 0;
    for (let at = 0; at < pcm.length; at += PACKET_SAMPLES)
      packets.push(encoder.encode(pcm.subarray(at, at + PACKET_SAMPLES)));
  }
  const parts: Uint8Array[] = [initSegment({ durationSamples: HOLD_MUSIC_SAMPLES })];
  for (let first = 0; first < packets.length; first += SEGMENT_PACKETS) {
    parts.push(
      mediaSegment({
        sequence: first / SEGMENT_PACKETS + 1,
        decodeTimeSamples: first * PACKET_SAMPLES,
        packets: packets.slice(first, first + SEGMENT_PACKETS),
      }),
    );
  }
  return concatBytes(parts);
}
