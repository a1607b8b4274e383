// The stage's port for speakers: answers offers and carries packets and messages. It is a contract only, so that the rest of
// the stage depends on no WebRTC library.

import type { LossReport } from "./rtcp.ts";

/** One per stage process: all of its speakers meet on one UDP port. */
export interface PeerPort extends AsyncDisposable {
  readonly udpPort: number;
  /** Peers that are not over. */
  readonly peerCount: number;
  /**
   * Answers an offer. The answer has every candidate in it; nothing trickles. Throws `Refusal`: "bad-sdp" or
   * "too-large" naming what is wrong with the offer, "full" when the port has as many peers as it may,
   * "internal" when the library fails. A second offer of the same person is simply another peer.
   */
  accept(offerSdp: string, events: PeerEvents): Promise<Peer>;
  /** Closes every peer, without events, and the port. The UDP port itself may stay taken until the process ends. */
  [Symbol.asyncDispose](): Promise<void>;
}

export type PeerState = "connecting" | "connected" | "disconnected" | "failed" | "closed";

/** What a peer tells its owner, on the event loop, never while one of the peer's own methods runs. */
export interface PeerEvents {
  /** One RTP packet as it came; `arrivalMs` is the port's clock when the process took it. Its bytes are the owner's. */
  onPacket(rtp: Uint8Array, arrivalMs: number): void;
  /** One text message of the channel "hustings", at most 16,384 bytes; anything else closes the channel. */
  onMessage(text: string): void;
  onChannelOpen(): void;
  /** What the other side says about the sound sent to it, about once in 5 s. */
  onReport?(report: LossReport): void;
  /**
   * A peer begins as connecting, which is not told; then connected, any number of disconnected (nothing came for
   * 1.2 s) and connected, and at last one of failed (never connected, or gone for 30 s) and closed (the other side
   * said goodbye). After these two, and after
   * `close()`, nothing more is told.
   */
  onState(state: PeerState): void;
}

export interface Peer {
  readonly answerSdp: string;
  readonly opusPayloadType: number;
  /** The payload type of RED packets; undefined when the offer had no RED. */
  readonly redPayloadType: number | undefined;
  readonly audioLevelExtensionId: number | undefined;
  /** Whether the other side takes sound: false for a plain WHIP sender. */
  readonly receivesSound: boolean;
  /** Sends one Opus packet with an RTP header of the peer's own; `timestamp` counts 48 kHz samples. False when not open. */
  sendPacket(opus: Uint8Array, timestamp: number): boolean;
  /** Sends a message on the data channel; false when it is not open, the text is above 64 KiB or 256 KiB wait already. */
  send(text: string): boolean;
  /** Ends the peer at once and without events. Harmless when it is over already. */
  close(): void;
}
