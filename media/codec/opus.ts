// Opus encoders and decoders: 48 kHz, mono, Float32 in [-1, 1]. Encoders take 20 ms; decoders accept any Opus duration.

import { PACKET_SAMPLES, SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";
import { MAX_OPUS_BYTES, MAX_PACKET_DURATION_SAMPLES, packetShape } from "../container/opus-packet.ts";
import { createStereoFold, type StereoFold } from "../mix/stereo-fold.ts";
import { type Libopus, loadLibopus } from "./libopus.ts";

export class OpusError extends Error {
  override readonly name = "OpusError";
}

export interface EncoderOptions {
  /** 6,000 to 510,000. */
  readonly bitrateBps: number;
  /** 0 to 10; absent: 5. docs/decisions/0002 has the cost of each. */
  readonly complexity?: number;
  /** Absent: false. Each packet carries a coarse copy of the one before, for `decodeFec`. */
  readonly inbandFec?: boolean;
  /** The loss that the encoder prepares for, 0 to 100; absent: 0. */
  readonly expectedLossPercent?: number;
  /** Absent: false. Encodes silence as packets of one or two bytes. */
  readonly dtx?: boolean;
  /** Absent: "voice", one talker with FEC. "programme": a mix of voices and music. */
  readonly tuning?: "voice" | "programme";
}

export interface OpusEncoder extends Disposable {
  /** Samples at 48 kHz by which the decoded sound lags its source (the pre-skip of RFC 7845). */
  readonly lookaheadSamples: number;
  /** 960 samples to one packet of fresh bytes. Throws OpusError. */
  encode(pcm: Float32Array): Uint8Array<ArrayBuffer>;
  setExpectedLoss(percent: number): void;
  /** 0 to 10. */
  setComplexity(complexity: number): void;
  /** A "programme" encoder begins with "auto", a "voice" encoder with "voice". */
  setSignal(signal: Signal): void;
}

/** "music" also suits several people talking at once, who do not fit the codec's model of one talker. */
export type Signal = "auto" | "voice" | "music";

export interface OpusDecoder extends Disposable {
  /** The whole packet as fresh PCM, 120 to 5760 samples; stereo is folded. Throws OpusError. */
  decode(packet: Uint8Array): Float32Array<ArrayBuffer>;
  /** `durationSamples` is a multiple of 120 up to 5760; absent: 960. */
  conceal(durationSamples?: number): Float32Array<ArrayBuffer>;
  /**
   * Decodes the copy in `nextPacket` of the packet before, else conceals. Decode `nextPacket` next. Throws OpusError.
   */
  decodeFec(nextPacket: Uint8Array, durationSamples?: number): Float32Array<ArrayBuffer>;
}

export interface Opus {
  readonly version: string;
  encoder(options: EncoderOptions): OpusEncoder;
  decoder(): OpusDecoder;
  /** Its sound is interleaved stereo, also of mono packets. */
  stereoDecoder(): OpusDecoder;
}

/** Loading takes tens of milliseconds: do it once per process. Encoders and decoders use its memory until disposed. */
export async function loadOpus(): Promise<Opus> {
  return createOpus(await loadLibopus());
}

export function createOpus(libopus: Libopus): Opus {
  return {
    version: libopus.UTF8ToString(libopus._oc_get_version_string()),
    encoder: (options) => new Encoder(libopus, options),
    decoder: () => new Decoder(libopus),
    stereoDecoder: () => new Decoder(libopus, 2),
  };
}

const APPLICATION = { voice: 2048, programme: 2049 } as const;
const CTL = { bitrate: 4002, complexity: 4010, inbandFec: 4012, expectedLoss: 4014, dtx: 4016, signal: 4024 } as const;
const SIGNAL = { auto: -1000, voice: 3001, music: 3002 } as const satisfies Record<Signal, number>;
const FLOAT_BYTES = 4;

class Encoder implements OpusEncoder {
  readonly lookaheadSamples: number;
  readonly #libopus: Libopus;
  #state: number;
  #pcm: number;
  #packet: number;

  constructor(libopus: Libopus, options: EncoderOptions) {
    const tuning = options.tuning ?? "voice";
    this.#libopus = libopus;
    this.#state = create(libopus, (error) => libopus._oc_create_encoder(SAMPLE_RATE_HZ, 1, APPLICATION[tuning], error));
    this.#pcm = allocate(libopus, PACKET_SAMPLES * FLOAT_BYTES);
    this.#packet = allocate(libopus, MAX_OPUS_BYTES);
    this.#control(CTL.bitrate, options.bitrateBps);
    this.#control(CTL.complexity, options.complexity ?? 5);
    this.#control(CTL.inbandFec, options.inbandFec === true ? 1 : 0);
    this.#control(CTL.expectedLoss, options.expectedLossPercent ?? 0);
    this.#control(CTL.dtx, options.dtx === true ? 1 : 0);
    this.#control(CTL.signal, SIGNAL[tuning === "voice" ? "voice" : "auto"]);
    this.lookaheadSamples = libopus._oc_encoder_ctl_get_lookahead(this.#state);
  }

  encode(pcm: Float32Array): Uint8Array<ArrayBuffer> {
    if (this.#state === 0) throw new OpusError("the encoder has been disposed");
    if (pcm.length !== PACKET_SAMPLES) throw new OpusError(`${pcm.length} samples given; a packet has 960`);
    const { HEAPF32 } = this.#libopus;
    HEAPF32.set(pcm, this.#pcm / FLOAT_BYTES);
    const length = this.#libopus._oc_encode_float(this.#state, this.#pcm, pcm.length, this.#packet, MAX_OPUS_BYTES);
    if (length < 0) throw refusal(this.#libopus, "encode", length);
    return this.#libopus.HEAPU8.slice(this.#packet, this.#packet + length);
  }

  setExpectedLoss(percent: number): void {
    this.#control(CTL.expectedLoss, Math.min(100, Math.max(0, Math.round(percent))));
  }

  setComplexity(complexity: number): void {
    this.#control(CTL.complexity, complexity);
  }

  setSignal(signal: Signal): void {
    this.#control(CTL.signal, SIGNAL[signal]);
  }

  [Symbol.dispose](): void {
    if (this.#state === 0) return;
    this.#libopus._oc_destroy_encoder(this.#state);
    this.#libopus._free(this.#pcm);
    this.#libopus._free(this.#packet);
    this.#state = 0;
  }

  #control(request: number, value: number): void {
    if (this.#state === 0) throw new OpusError("the encoder has been disposed");
    const result = this.#libopus._oc_encoder_ctl(this.#state, request, value);
    if (result >= 0) return;
    const refused = refusal(this.#libopus, `encoder setting ${request} = ${value}`, result);
    this[Symbol.dispose]();
    throw refused;
  }
}

class Decoder implements OpusDecoder {
  readonly #libopus: Libopus;
  readonly #outputChannels: 1 | 2;
  #state: number;
  #pcm: number;
  #packet: number;
  /** Absent until the first stereo packet; most sources never send one. */
  #stereo: StereoFold | undefined;

  constructor(libopus: Libopus, outputChannels: 1 | 2 = 1) {
    this.#libopus = libopus;
    this.#outputChannels = outputChannels;
    this.#state = createDecoder(libopus, outputChannels);
    this.#pcm = allocate(libopus, outputChannels * MAX_PACKET_DURATION_SAMPLES * FLOAT_BYTES);
    this.#packet = allocate(libopus, MAX_OPUS_BYTES);
  }

  decode(packet: Uint8Array): Float32Array<ArrayBuffer> {
    return this.#run(this.#load(packet), packet.length, MAX_PACKET_DURATION_SAMPLES, 0);
  }

  conceal(durationSamples: number = PACKET_SAMPLES): Float32Array<ArrayBuffer> {
    return this.#run(0, 0, durationSamples, 0);
  }

  decodeFec(nextPacket: Uint8Array, durationSamples: number = PACKET_SAMPLES): Float32Array<ArrayBuffer> {
    return this.#run(this.#load(nextPacket), nextPacket.length, durationSamples, 1);
  }

  [Symbol.dispose](): void {
    if (this.#state === 0) return;
    this.#libopus._oc_destroy_decoder(this.#state);
    this.#libopus._free(this.#pcm);
    this.#libopus._free(this.#packet);
    this.#state = 0;
  }

  #load(packet: Uint8Array): number {
    const shape = packetShape(packet);
    if (shape === undefined) throw new OpusError(`${packet.length} bytes are not an Opus packet`);
    const isFolded = this.#outputChannels === 1;
    if (shape.stereo && isFolded && this.#stereo === undefined && this.#state !== 0) this.#becomeStereo();
    this.#libopus.HEAPU8.set(packet, this.#packet);
    return this.#packet;
  }

  /** libopus would fold by averaging, which silences a source whose one channel is inverted. */
  #becomeStereo(): void {
    const pcm = allocate(this.#libopus, 2 * MAX_PACKET_DURATION_SAMPLES * FLOAT_BYTES);
    const state = createDecoder(this.#libopus, 2);
    this.#libopus._oc_destroy_decoder(this.#state);
    this.#libopus._free(this.#pcm);
    this.#state = state;
    this.#pcm = pcm;
    this.#stereo = createStereoFold();
  }

  #run(packet: number, packetBytes: number, samples: number, fec: number): Float32Array<ArrayBuffer> {
    if (this.#state === 0) throw new OpusError("the decoder has been disposed");
    if (samples > MAX_PACKET_DURATION_SAMPLES) throw new OpusError(`${samples} samples asked of one packet`);
    const count = this.#libopus._oc_decode_float(this.#state, packet, packetBytes, this.#pcm, samples, fec);
    if (count < 0) throw refusal(this.#libopus, "decode", count);
    const first = this.#pcm / FLOAT_BYTES;
    const { HEAPF32 } = this.#libopus;
    if (this.#stereo !== undefined) return this.#stereo.fold(HEAPF32.subarray(first, first + 2 * count));
    return HEAPF32.slice(first, first + this.#outputChannels * count);
  }
}

function createDecoder(libopus: Libopus, channels: number): number {
  return create(libopus, (error) => libopus._oc_create_decoder(SAMPLE_RATE_HZ, channels, error));
}

function create(libopus: Libopus, make: (errorPointer: number) => number): number {
  const errorPointer = allocate(libopus, FLOAT_BYTES);
  const state = make(errorPointer);
  const code = libopus.HEAP32[errorPointer / FLOAT_BYTES] ?? 0;
  libopus._free(errorPointer);
  if (state === 0 || code !== 0) throw refusal(libopus, "create", code);
  return state;
}

function allocate(libopus: Libopus, sizeBytes: number): number {
  const pointer = libopus._malloc(sizeBytes);
  if (pointer === 0) throw new OpusError(`the codec's memory is full (${sizeBytes} bytes asked)`);
  return pointer;
}

function refusal(libopus: Libopus, operation: string, code: number): OpusError {
  return new OpusError(`${operation} was refused: ${libopus.UTF8ToString(libopus._oc_strerror(code))} (${code})`);
}
