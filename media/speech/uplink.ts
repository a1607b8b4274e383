// One speaker's sound from RTP packets to a frame per tick: RED, playout buffer, decoder.

import { PACKET_SAMPLES, SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";
import { type Opus, type OpusDecoder, OpusError } from "../codec/opus.ts";
import { createPlayoutBuffer, type PlayoutAction, type PlayoutBuffer, type PlayoutStats } from "./playout-buffer.ts";
import { isRedFault, parseRed } from "./red.ts";
import { parseRtp, type RtpFault, type RtpPacket } from "./rtp.ts";

export interface UplinkOptions {
  readonly opus: Opus;
  readonly opusPayloadType: number;
  /** Absent: RED packets are ignored. */
  readonly redPayloadType?: number;
  /** Negotiated id of the audio level extension; absent: levels are not read. */
  readonly levelExtensionId?: number;
}

export interface UplinkFrame {
  /** 960 fresh samples; zeros while the speaker sends nothing. */
  readonly pcm: Float32Array<ArrayBuffer>;
  /** Whether any of it was decoded, rather than concealed or silent. */
  readonly spoke: boolean;
}

export interface UplinkStats extends PlayoutStats {
  readonly malformed: number;
  /** Packets of other payload types or SSRCs. */
  readonly ignored: number;
}

/** "taken": passed to the playout buffer, which may still drop it. */
export type ReceiveResult = "taken" | "ignored" | RtpFault["reason"] | "red" | "opus";

export interface Uplink extends Disposable {
  /** Never throws; `rtp` may be reused afterwards. */
  receive(rtp: Uint8Array, arrivalMs: number): ReceiveResult;
  /** The next 20 ms. Call once per tick, with the arrivals' clock. */
  tick(nowMs: number): UplinkFrame;
  stats(): UplinkStats;
}

/** A new SSRC is followed after this many packets in a row, or at once after FOLLOW_AFTER_MS of silence. */
const FOLLOW_AFTER_PACKETS = 3;
const FOLLOW_AFTER_MS = 100;
const PER_MS = SAMPLE_RATE_HZ / 1000;
const NOTHING = new Float32Array(0);

export function createUplink(options: UplinkOptions): Uplink {
  const buffer = createPlayoutBuffer();
  const player = new Player(options.opus.decoder(), buffer);
  const selectSsrc = createSsrcSelector();
  let malformed = 0;
  let ignored = 0;

  function take(packet: RtpPacket, arrivalMs: number): ReceiveResult {
    const { opusPayloadType, redPayloadType } = options;
    if (packet.payloadType !== opusPayloadType && packet.payloadType !== redPayloadType) return "ignored";
    const choice = selectSsrc(packet.ssrc, arrivalMs);
    if (choice === "other") return "ignored";
    if (choice === "new") buffer.reset();
    const { timestamp } = packet;
    const level = packet.levelDbov === undefined ? {} : { levelDbov: packet.levelDbov };
    if (packet.payloadType === opusPayloadType) {
      if (packet.payload.length === 0) return "opus";
      buffer.push({ timestamp, opus: new Uint8Array(packet.payload), arrivalMs, redundant: false, ...level });
      return "taken";
    }
    const blocks = parseRed(packet.payload, timestamp);
    if (isRedFault(blocks)) return "red";
    for (const block of blocks) {
      if (block.payloadType !== opusPayloadType || block.payload.length === 0) continue;
      const own = block.primary ? level : {};
      const redundant = !block.primary;
      buffer.push({ timestamp: block.timestamp, opus: new Uint8Array(block.payload), arrivalMs, redundant, ...own });
    }
    return "taken";
  }

  return {
    receive(rtp, arrivalMs) {
      const packet = parseRtp(rtp, options.levelExtensionId);
      const received = packet.kind === "fault" ? packet.reason : take(packet, arrivalMs);
      if (received === "ignored") ignored += 1;
      else if (received !== "taken") malformed += 1;
      return received;
    },
    tick: (nowMs) => player.tick(nowMs),
    stats: () => ({ ...buffer.stats(), malformed: malformed + player.malformed, ignored }),
    [Symbol.dispose]: () => player.decoder[Symbol.dispose](),
  };
}

class Player {
  malformed = 0;
  readonly decoder: OpusDecoder;
  readonly #buffer: PlayoutBuffer;
  #left = NOTHING;
  #leftSpoke = false;
  #silent = true;

  constructor(decoder: OpusDecoder, buffer: PlayoutBuffer) {
    this.decoder = decoder;
    this.#buffer = buffer;
  }

  tick(nowMs: number): UplinkFrame {
    if (this.#left.length === 0) this.#decodeNext(nowMs);
    if (this.#left.length === PACKET_SAMPLES && this.#left.byteLength === this.#left.buffer.byteLength) {
      return { pcm: this.#takeLeft(), spoke: this.#leftSpoke };
    }
    return this.#join(nowMs);
  }

  #takeLeft(): Float32Array<ArrayBuffer> {
    const pcm = this.#left;
    this.#left = NOTHING;
    return pcm;
  }

  #join(nowMs: number): UplinkFrame {
    const pcm = new Float32Array(PACKET_SAMPLES);
    let filled = 0;
    let spoke = false;
    while (filled < PACKET_SAMPLES) {
      if (this.#left.length === 0) this.#decodeNext(nowMs + filled / PER_MS);
      const part = this.#left.subarray(0, PACKET_SAMPLES - filled);
      pcm.set(part, filled);
      filled += part.length;
      spoke ||= this.#leftSpoke;
      this.#left = this.#left.subarray(part.length);
    }
    return { pcm, spoke };
  }

  #decodeNext(nowMs: number): void {
    const piece = this.#buffer.pop(nowMs);
    this.#leftSpoke = piece.kind === "packet" || piece.kind === "fec";
    this.#left = this.#sound(piece);
    this.#silent = piece.kind === "silence";
  }

  #sound(piece: PlayoutAction): Float32Array<ArrayBuffer> {
    const { durationSamples } = piece;
    if (piece.kind === "silence") {
      return this.#silent ? new Float32Array(durationSamples) : fadeOut(this.decoder.conceal(durationSamples));
    }
    if (piece.kind === "conceal") return this.decoder.conceal(durationSamples);
    try {
      if (piece.kind === "fec") return this.decoder.decodeFec(piece.next, durationSamples);
      if (piece.skipped === undefined) return this.decoder.decode(piece.opus);
      const skipped = this.decoder.decode(piece.skipped);
      return crossFade(skipped, this.decoder.decode(piece.opus));
    } catch (error) {
      if (!(error instanceof OpusError)) throw error;
      this.malformed += 1;
      this.#leftSpoke = false;
      return this.decoder.conceal(durationSamples);
    }
  }
}

/** "new": follow this SSRC from now on. */
function createSsrcSelector(): (ssrc: number, arrivalMs: number) => "same" | "new" | "other" {
  let current: number | undefined;
  let heardMs = 0;
  let candidate: number | undefined;
  let count = 0;
  return (ssrc, arrivalMs) => {
    if (ssrc === current) {
      heardMs = arrivalMs;
      candidate = undefined;
      return "same";
    }
    count = ssrc === candidate ? count + 1 : 1;
    candidate = ssrc;
    const isOver = current === undefined || arrivalMs - heardMs > FOLLOW_AFTER_MS;
    if (!isOver && count < FOLLOW_AFTER_PACKETS) return "other";
    current = ssrc;
    heardMs = arrivalMs;
    candidate = undefined;
    return "new";
  };
}

function fadeOut(pcm: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  for (let index = 0; index < pcm.length; index += 1) pcm[index] = (pcm[index] ?? 0) * (1 - (index + 1) / pcm.length);
  return pcm;
}

function crossFade(from: Float32Array, to: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  for (let index = 0; index < to.length; index += 1) {
    const share = (index + 1) / to.length;
    to[index] = (from[index] ?? 0) * (1 - share) + (to[index] ?? 0) * share;
  }
  return to;
}
