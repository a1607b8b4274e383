// Owns one connection of one seated person: sound in, sound out, messages. Refuses to know seats and what is said; a
// person who changes networks or opens a second tab has two calls for a moment (line.ts).

import type { Clock } from "@hustings/flow/clock.ts";
import type { Opus } from "@hustings/media/codec/opus.ts";
import { createUplink, type Uplink, type UplinkFrame } from "@hustings/media/speech/uplink.ts";
import type { StageMessage } from "@hustings/wire/stage/data-channel.ts";
import type { Peer, PeerPort, PeerState } from "../peer/peer-port.ts";

export interface Call {
  /** Names the call in its WHIP location; nobody can guess it. */
  readonly id: string;
  readonly answerSdp: string;
  /** The next 20 ms of the person's sound. */
  tick(nowMs: number): UplinkFrame;
  /** When a packet last came, on the tick's clock; undefined before the first. */
  readonly heardMs: number | undefined;
  /** Whether the other side answers: connected, and neither silent nor over. */
  readonly isConnected: boolean;
  readonly isOver: boolean;
  readonly lossFraction: number;
  /** False for a plain sender, which hears nothing. */
  readonly receivesSound: boolean;
  send(opus: Uint8Array, timestamp: number): void;
  /** Says a message, already as JSON; lost when the channel is not open. */
  sendMessage(text: string): void;
  /** Counts a stall of our own as if the person had been heard through it. */
  restartSilenceTimer(nowMs: number): void;
  /**
   * Ends the sound at once. Says why when every command under way has been answered, and closes a moment later, so that
   * the word gets through; without `why` it closes at once.
   */
  hangUp(why?: (StageMessage & { kind: "bye" })["why"]): void;
}

export interface CallOptions {
  readonly id: string;
  readonly opus: Opus;
  readonly clock: Clock;
  /** Called when the channel opens, and for each message on it, while the call lasts. */
  readonly onOpen: (call: Call) => void;
  readonly onMessage: (call: Call, text: string) => void;
  /** Resolves when what the person asked has been answered; undefined when nothing is under way. */
  readonly pendingAnswers: () => Promise<void> | undefined;
}

/** A goodbye waits this long for answers, and is given this long to arrive. */
export const GOODBYE_MS = 500;

/** Answers an offer. Rejects as `PeerPort.accept` does. */
export async function acceptCall(peers: PeerPort, offerSdp: string, options: CallOptions): Promise<Call> {
  let call: LiveCall | undefined;
  let isOpen = false;
  const peer = await peers.accept(offerSdp, {
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
    onState: (state) => call?.setPeerState(state),
  });
  call = new LiveCall(peer, options);
  if (isOpen) options.onOpen(call);
  return call;
}

class LiveCall implements Call {
  readonly id: string;
  heardMs: number | undefined;
  lossFraction = 0;
  isOver = false;
  readonly #peer: Peer;
  readonly #uplink: Uplink;
  readonly #clock: Clock;
  readonly #pendingAnswers: () => Promise<void> | undefined;
  #state: PeerState = "connecting";
  #isSilent = false;

  constructor(peer: Peer, { id, opus, clock, pendingAnswers }: CallOptions) {
    this.id = id;
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
    if (!this.isOver && this.#uplink.receive(rtp, arrivalMs) === "taken") this.heardMs = arrivalMs;
  }

  setPeerState(state: PeerState): void {
    this.#state = state;
    if (state === "failed" || state === "closed") this.#end();
  }

  tick(nowMs: number): UplinkFrame {
    return this.#uplink.tick(nowMs);
  }

  send(opus: Uint8Array, timestamp: number): void {
    if (!this.isOver) this.#peer.sendPacket(opus, timestamp);
  }

  sendMessage(text: string): void {
    if (!this.#isSilent) this.#peer.send(text);
  }

  restartSilenceTimer(nowMs: number): void {
    if (this.heardMs !== undefined) this.heardMs = nowMs;
  }

  hangUp(why?: (StageMessage & { kind: "bye" })["why"]): void {
    if (this.isOver) return;
    this.#end();
    const pendingAnswers = why && this.#pendingAnswers();
    const part = (): void => this.#part(why && { kind: "bye", why });
    if (pendingAnswers === undefined) {
      part();
    } else {
      void pendingAnswers.then(part);
      this.#clock.after(GOODBYE_MS, part);
    }
  }

  #part(bye: StageMessage | undefined): void {
    if (this.#isSilent) return;
    const isTold = bye !== undefined && this.#peer.send(JSON.stringify(bye));
    this.#isSilent = true;
    if (isTold) this.#clock.after(GOODBYE_MS, () => this.#peer.close());
    else this.#peer.close();
  }

  #end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#uplink[Symbol.dispose]();
  }
}
