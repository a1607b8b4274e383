// The stage's port for speakers: offers, packets and messages, without a WebRTC library.

import type { LossReport } from "./rtcp.ts";

/** One per stage process: all speakers share one UDP port. */
export interface PeerPort extends AsyncDisposable {
  readonly udpPort: number;
  readonly peerCount: number;
  /**
   * The answer has every candidate; there is no trickle. Throws `Refusal`: "bad-sdp" or "too-large" with the offer's
   * fault, "full" at the maximum of peers, "address-full" at that of one address, "draining" while closing, "internal"
   * if the library fails. A second offer of a person makes another peer. `from` is the network that sent the offer.
   */
  accept(offerSdp: string, events: PeerEvents, from?: string): Promise<Peer>;
  /** Closes the port and every peer, without events. The UDP port may stay bound until the process ends. */
  [Symbol.asyncDispose](): Promise<void>;
}

export type PeerState = "connecting" | "connected" | "disconnected" | "failed" | "closed";

/** Called on the event loop, never during one of the peer's methods. */
export interface PeerEvents {
  /** `arrivalMs` is the port's clock. The callee may keep the bytes. */
  onPacket(rtp: Uint8Array, arrivalMs: number): void;
  /** A message on the channel "hustings", at most 16,384 bytes; anything else closes the channel. */
  onMessage(text: string): void;
  onChannelOpen(): void;
  /** RTCP or a message arrived: the other side is there, although it may send no sound while it is silent. */
  onSign?(arrivalMs: number): void;
  /** The other side's report on the sound sent to it, about every 5 s. */
  onReport?(report: LossReport): void;
  /**
   * A change of state. A peer begins as connecting, which is not reported. It becomes connected, then alternates between
   * disconnected (no sign that it is there, see liveness.ts) and connected. It ends as failed (not connected within 15 s, or
   * ICE consent expired, RFC 7675) or closed (the other side hung up). Mere silence never ends it. No event follows these
   * two states or `close()`.
   */
  onState(state: PeerState): void;
}

export interface Peer {
  readonly answerSdp: string;
  readonly opusPayloadType: number;
  /** Undefined: the offer has no RED. */
  readonly redPayloadType: number | undefined;
  readonly audioLevelExtensionId: number | undefined;
  /** False for a plain WHIP sender. */
  readonly receivesSound: boolean;
  /** `timestamp` counts 48 kHz samples. False: not sent. */
  sendPacket(opus: Uint8Array, timestamp: number): boolean;
  /** False: the channel is not open, the text exceeds `MAX_CHANNEL_BYTES`, or over 256 KiB are unsent. */
  send(text: string): boolean;
  close(): void;
}
