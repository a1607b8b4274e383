// The stage's port for speakers: answers offers and carries packets and messages. It is a contract only, so that the rest of
// the stage depends on no WebRTC library.

import type { LossReport } from "./rtcp.ts";

/** One per stage process: all of its speakers share one UDP port. */
export interface PeerPort extends AsyncDisposable {
  readonly udpPort: number;
  /** Peers that have not ended. */
  readonly peerCount: number;
  /**
   * Answers an offer. The answer contains every candidate; there is no trickle ICE. Throws `Refusal`: "bad-sdp" or
   * "too-large" with the fault of the offer, "full" when the port has its maximum of peers, "draining" when it is
   * closing, "internal" when the library fails. A second offer of the same person makes another peer.
   */
  accept(offerSdp: string, events: PeerEvents): Promise<Peer>;
  /** Closes every peer, without events, and the port. The UDP port itself may stay bound until the process ends. */
  [Symbol.asyncDispose](): Promise<void>;
}

export type PeerState = "connecting" | "connected" | "disconnected" | "failed" | "closed";

/** Events of a peer. Called on the event loop, never while one of the peer's methods runs. */
export interface PeerEvents {
  /** One RTP packet. `arrivalMs` is the port's clock when the process received it. The callee may keep the bytes. */
  onPacket(rtp: Uint8Array, arrivalMs: number): void;
  /** One text message of the channel "hustings", at most 16,384 bytes; anything else closes the channel. */
  onMessage(text: string): void;
  onChannelOpen(): void;
  /** The other side's report on the sound sent to it, about every 5 s. */
  onReport?(report: LossReport): void;
  /**
   * A change of state. A peer begins as connecting, which is not reported. It becomes connected, then alternates between
   * disconnected (nothing arrived for 1.2 s) and connected. It ends as failed (not connected within 15 s, or nothing
   * arrived for 30 s) or closed (the other side hung up). No event follows these two states or `close()`.
   */
  onState(state: PeerState): void;
}

export interface Peer {
  readonly answerSdp: string;
  readonly opusPayloadType: number;
  /** The payload type of RED packets; undefined when the offer had no RED. */
  readonly redPayloadType: number | undefined;
  readonly audioLevelExtensionId: number | undefined;
  /** Whether the other side receives sound: false for a plain WHIP sender. */
  readonly receivesSound: boolean;
  /** Sends one Opus packet in RTP; `timestamp` counts 48 kHz samples. False when it cannot be sent. */
  sendPacket(opus: Uint8Array, timestamp: number): boolean;
  /**
   * Sends a message on the data channel. False when the channel is not open, the text is longer than `MAX_CHANNEL_BYTES`,
   * or more than 256 KiB are unsent.
   */
  send(text: string): boolean;
  /** Ends the peer at once, without events. Does nothing when it has ended. */
  close(): void;
}
