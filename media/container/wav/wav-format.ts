// The format of a WAV file's samples, and the errors of files that cannot be read.

export class WavError extends Error {
  override readonly name = "WavError";
}

/** The chunk `fmt ` as it stands in the file, unchecked. */
export interface WavFormat {
  /** The format tag; of the extensible format, the tag in its SubFormat. */
  readonly code: number;
  readonly channels: number;
  readonly rateHz: number;
  /** Bytes of one sample of every channel; some writers leave it at 0. */
  readonly frameBytes: number;
  readonly bits: number;
  readonly storedBits: number;
  /** One bit for each loudspeaker that has a channel, in the order of the channels; 0: the file does not tell. */
  readonly speakerMask: number;
}
