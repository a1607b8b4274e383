// A peer port without a network, for tests: each offer makes a fake speaker that the test connects and speaks for.

import { writeRtp } from "@hustings/media/speech/rtp.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { SpeakerMessage, StageMessage } from "@hustings/wire/stage/data-channel.ts";
import { PACKET_SAMPLES } from "@hustings/wire/units.ts";
import type { Peer, PeerEvents, PeerPort } from "../peer/peer-port.ts";

/** An offer that the fake port refuses with `bad-sdp`. */
export const BAD_OFFER = "bad";

/** Stands for the speaker's page. */
export interface FakeSpeaker {
  /** The stage's listeners; a test may raise states and reports itself. */
  readonly events: PeerEvents;
  /** Opus packets that the stage sent back, with their timestamps. */
  readonly received: { readonly opus: Uint8Array; readonly timestamp: number }[];
  /** Data channel messages that the stage sent. */
  readonly messages: StageMessage[];
  /** Whether the stage has closed the peer. */
  isClosed: boolean;
  /** Too much waits in the channel: messages to the speaker are dropped. */
  isChannelFull: boolean;
  /** Connects and opens the channel; from then on the speaker sends what `microphone` gives. */
  connect(): void;
  /** Returns the next 20 ms of Opus; undefined: no packet is sent. */
  microphone: (() => Uint8Array | undefined) | undefined;
  sendMessage(message: SpeakerMessage | string): void;
  /** Stops sending and receiving, without a goodbye. */
  crash(): void;
  sendPacket(nowMs: number): void;
}

export interface FakePeerPort extends PeerPort {
  readonly speakers: FakeSpeaker[];
  readonly newest: FakeSpeaker;
}

export function createFakePeerPort(): FakePeerPort {
  const speakers: FakeSpeaker[] = [];
  return {
    udpPort: 0,
    speakers,
    get newest() {
      return speakers.at(-1) as FakeSpeaker;
    },
    get peerCount() {
      return speakers.filter(({ isClosed }) => !isClosed).length;
    },
    async accept(offerSdp, events) {
      if (offerSdp === BAD_OFFER) throw new Refusal("bad-sdp");
      const { speaker, peer } = createFakeSpeaker(events);
      speakers.push(speaker);
      return peer;
    },
    async [Symbol.asyncDispose]() {},
  };
}

function createFakeSpeaker(events: PeerEvents): { speaker: FakeSpeaker; peer: Peer } {
  let isUp = false;
  let sequence = 0;
  const speaker: FakeSpeaker = {
    events,
    received: [],
    messages: [],
    isClosed: false,
    isChannelFull: false,
    microphone: undefined,
    connect() {
      isUp = true;
      events.onState("connected");
      events.onChannelOpen();
    },
    sendMessage: (message) => events.onMessage(typeof message === "string" ? message : JSON.stringify(message)),
    crash() {
      isUp = false;
    },
    sendPacket(nowMs) {
      const payload = isUp && !speaker.isClosed ? speaker.microphone?.() : undefined;
      sequence += 1;
      const timestamp = (sequence * PACKET_SAMPLES) >>> 0;
      if (payload) events.onPacket(writeRtp({ payloadType: 111, sequence, timestamp, ssrc: 7, payload }), nowMs);
    },
  };
  const peer: Peer = {
    answerSdp: "answer",
    opusPayloadType: 111,
    redPayloadType: 63,
    audioLevelExtensionId: undefined,
    receivesSound: true,
    sendPacket(opus, timestamp) {
      if (isUp) speaker.received.push({ opus, timestamp });
      return isUp;
    },
    send(text) {
      const isSent = isUp && !speaker.isChannelFull;
      if (isSent) speaker.messages.push(JSON.parse(text) as StageMessage);
      return isSent;
    },
    close() {
      speaker.isClosed = true;
      isUp = false;
    },
  };
  return { speaker, peer };
}
