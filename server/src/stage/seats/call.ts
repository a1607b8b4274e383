// One call of a seated person over one peer. During a change of network or tab a person has two (seat-connection.ts).

import type { Clock } from "@hustings/flow/clock.ts";
import type { Opus } from "@hustings/media/codec/opus.ts";
import { createUplink, type Uplink, type UplinkFrame } from "@hustings/media/speech/uplink.ts";
import type { GoodbyeReason, StageMessage } from "@hustings/wire/stage/data-channel.ts";
import { Liveness } from "../peer/liveness.ts";
import type { Peer, PeerEvents, PeerPort, PeerState } from "../peer/peer-port.ts";

export interface Call {
  /** Unguessable; in the call's WHIP location. */
  readonly id: string;
  /** The generation of the host link by which the call came; 0 for every other call. */
  generation: number;
  readonly answerSdp: string;
  tick(nowMs: number): UplinkFrame;
  /** Whether the person is there, also while they send no sound. False before the first packet. */
  isPresent(nowMs: number): boolean;
  /** The peer is connected: something came a moment ago. */
  readonly isConnected: boolean;
  readonly isOver: boolean;
  readonly lossFraction: number;
  /** False for a plain WHIP sender. */
  readonly receivesSound: boolean;
  sendPacket(opus: Uint8Array, timestamp: number): void;
  /** False: dropped, because the channel is not open or too much waits in it. */
  sendMessage(text: string): boolean;
  /** A state entry was dropped, so the state must be sent again. */
  missesState: boolean;
  /** After our own stall: counts from `nowMs` how long nothing has arrived. */
  restartSilenceTimer(nowMs: number): void;
  /**
   * Ends the sound at once, and the peer too unless there is a `why`: then the goodbye waits for pending commands, and
   * the peer closes `GOODBYE_MS` later.
   */
  hangUp(why?: GoodbyeReason): void;
}

export interface CallOptions {
  readonly id: string;
  readonly generation: number;
  readonly opus: Opus;
  readonly clock: Clock;
  /** Called when the channel opens, and for each message. */
  readonly onOpen: (call: Call) => void;
  readonly onMessage: (call: Call, text: string) => void;
  readonly pendingAnswers: () => Promise<void> | undefined;
  readonly from?: string | undefined;
}

/** Time for pending answers, and then until the peer closes. */
export const GOODBYE_MS = 500;

/** Rejects as `PeerPort.accept` does. */
export async function acceptCall(peers: PeerPort, offerSdp: string, options: CallOptions): Promise<Call> {
  let call: LiveCall | undefined;
  let isOpen = false;
  const events: PeerEvents = {
    onPacket: (rtp, arrivalMs) => call?.receive(rtp, arrivalMs),
    onMessage: (text) => {
      if (call !== undefined && !call.isOver) options.onMessage(call, text);
    },
    onChannelOpen: () => {
      isOpen = true;
      if (call !== undefined && !call.isOver) options.onOpen(call);
    },
    onReport: ({ lossFraction }) => {
      if (call !== undefined) call.lossFraction = lossFraction;
    },
    onSign: (arrivalMs) => call?.sign(arrivalMs),
    onState: (state) => call?.setPeerState(state),
  };
  const peer = await peers.accept(offerSdp, events, options.from);
  call = new LiveCall(peer, options);
  if (isOpen) options.onOpen(call);
  return call;
}

class LiveCall implements Call {
  readonly id: string;
  generation: number;
  lossFraction = 0;
  missesState = false;
  isOver = false;
  readonly #peer: Peer;
  readonly #uplink: Uplink;
  readonly #clock: Clock;
  readonly #liveness = new Liveness();
  readonly #pendingAnswers: () => Promise<void> | undefined;
  #state: PeerState = "connecting";
  #isClosing = false;

  constructor(peer: Peer, { id, generation, opus, clock, pendingAnswers }: CallOptions) {
    this.id = id;
    this.generation = generation;
    this.#pendingAnswers = pendingAnswers;
    this.#peer = peer;
    this.#clock = clock;
    this.#uplink = createUplink({
      opus,
      opusPayloadType: peer.opusPayloadType,
      ...(peer.redPayloadType === undefined ? {} : { redPayloadType: peer.redPayloadType }),
      ...(peer.audioLevelExtensionId === undefined ? {} : { levelExtensionId: peer.audioLevelExtensionId }),
    });
  }

  get answerSdp(): string {
    return this.#peer.answerSdp;
  }

  get receivesSound(): boolean {
    return !this.isOver && this.#peer.receivesSound;
  }

  get isConnected(): boolean {
    return !this.isOver && this.#state === "connected";
  }

  receive(rtp: Uint8Array, arrivalMs: number): void {
    if (!this.isOver && this.#uplink.receive(rtp, arrivalMs) === "taken") this.#liveness.sound(arrivalMs);
  }

  sign(arrivalMs: number): void {
    this.#liveness.sign(arrivalMs);
  }

  isPresent(nowMs: number): boolean {
    return !this.isOver && this.#liveness.isThere(nowMs);
  }

  setPeerState(state: PeerState): void {
    this.#state = state;
    if (state === "failed" || state === "closed") this.#end();
  }

  tick(nowMs: number): UplinkFrame {
    return this.#uplink.tick(nowMs);
  }

  sendPacket(opus: Uint8Array, timestamp: number): void {
    if (!this.isOver) this.#peer.sendPacket(opus, timestamp);
  }

  sendMessage(text: string): boolean {
    return !this.#isClosing && this.#peer.send(text);
  }

  restartSilenceTimer(nowMs: number): void {
    this.#liveness.restart(nowMs);
  }

  hangUp(why?: GoodbyeReason): void {
    if (this.isOver) return;
    this.#end();
    const pendingAnswers = why && this.#pendingAnswers();
    const close = (): void => this.#close(why && { kind: "bye", why });
    if (pendingAnswers === undefined) {
      close();
    } else {
      void pendingAnswers.then(close);
      this.#clock.after(GOODBYE_MS, close);
    }
  }

  #close(bye: StageMessage | undefined): void {
    if (this.#isClosing) return;
    const isSent = bye !== undefined && this.#peer.send(JSON.stringify(bye));
    this.#isClosing = true;
    if (isSent) this.#clock.after(GOODBYE_MS, () => this.#peer.close());
    else this.#peer.close();
  }

  #end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#uplink[Symbol.dispose]();
  }
}
