// Makes WAV files of every kind for tests, also broken ones.

import { concatBytes } from "../../mp4-boxes.ts";

export interface WavFixture {
  /** Default: 1, integers. */
  readonly code?: number;
  readonly bits?: number;
  readonly channels?: number;
  readonly rateHz?: number;
  /** Default: 0, as some writers leave it. */
  readonly frameBytes?: number;
  /** Writes the extensible format with this number of valid bits. */
  readonly validBits?: number;
  /** Loudspeakers; written in the extensible format only. */
  readonly speakerMask?: number;
  /** "RIFF" where absent. */
  readonly riff?: string;
  /** Chunks between the format and the sound. */
  readonly between?: readonly Uint8Array[];
  /** Default: the true sizes. */
  readonly riffSize?: number;
  readonly dataSize?: number;
}

export function wavFile(fixture: WavFixture, sound: Uint8Array): Uint8Array<ArrayBuffer> {
  const { riff = "RIFF", between = [] } = fixture;
  const body = concatBytes([
    riffBlock("fmt ", formatOf(fixture)),
    ...between,
    riffBlock("data", sound, fixture.dataSize ?? sound.length),
  ]);
  const wave = new TextEncoder().encode("WAVE");
  return concatBytes([riffBlock(riff, wave, fixture.riffSize ?? body.length + wave.length), body]);
}

/** A chunk without padding. */
export function riffBlock(name: string, body: Uint8Array, size: number = body.length): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(8);
  head.set(new TextEncoder().encode(name));
  new DataView(head.buffer).setUint32(4, size, true);
  return concatBytes([head, body]);
}

function formatOf(fixture: WavFixture): Uint8Array {
  const { code = 1, bits = 16, channels = 1, rateHz = 48_000, frameBytes = 0, validBits, speakerMask = 0 } = fixture;
  const format = new DataView(new ArrayBuffer(validBits === undefined ? 18 : 40));
  format.setUint16(0, validBits === undefined ? code : 0xfffe, true);
  format.setUint16(2, channels, true);
  format.setUint32(4, rateHz, true);
  format.setUint16(12, frameBytes, true);
  format.setUint16(14, bits, true);
  if (validBits !== undefined) {
    format.setUint16(16, 22, true);
    format.setUint16(18, validBits, true);
    format.setUint32(20, speakerMask, true);
    format.setUint16(24, code, true);
  }
  return new Uint8Array(format.buffer);
}
