// Owns one speaker's connection: the library's objects, their states told as one line of states, the RTP header of the
// return, the data channel and its limits. Refuses to know other peers, seats and what packets and messages mean.

import { randomInt } from "node:crypto";
import { MAX_OPUS_BYTES } from "@hustings/media/container/opus-packet.ts";
import { RTP_HEADER_BYTES, writeRtpInto } from "@hustings/media/speech/rtp.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { CHANNEL_LABEL, MAX_CHANNEL_BYTES } from "@hustings/wire/stage/data-channel.ts";
import nodeDataChannel, { type DataChannel, type PeerConnection, type Track } from "node-datachannel";
import type { Peer, PeerEvents, PeerState } from "./peer-port.ts";
import { countPacket, type Heard, isRtcp, type Reception, readRtcp, writeReport } from "./rtcp.ts";
import {
  type Candidate,
  MAX_MESSAGE_BYTES,
  type Offer,
  readLocalDescription,
  writeAnswer,
  writeCleanOffer,
} from "./sdp.ts";

/** Gathering on one bound port takes milliseconds; a STUN server that does not answer must not hold the answer up. */
const GATHER_DEADLINE_MS = 2_000;
const CONNECT_DEADLINE_MS = 15_000;
const SILENCE_MS = 1_200;
/** As long as ICE consent lasts without an answer (RFC 7675 §5.1). */
const GONE_MS = 30_000;
const REPORT_MS = 1_000;
const MAX_WAITING_BYTES = 262_144;
const MAX_MESSAGES_PER_LOOK = 100;
const MAX_PACKET_BYTES = RTP_HEADER_BYTES + MAX_OPUS_BYTES;

export interface ConnectionOptions {
  readonly udpPort: number;
  readonly bindAddress?: string;
  readonly iceServers: readonly string[];
  readonly now: () => number;
  /** Turns what the library found into what the answer offers. */
  readonly reachable: (found: readonly Candidate[]) => readonly Candidate[];
  /** Called once, when the connection is over in whatever way. */
  readonly onOver: () => void;
}

export interface Connection {
  readonly answered: Promise<Peer>;
  /** Judges silence and deadlines and sends reports that are due; called every quarter of a second. */
  look(nowMs: number): void;
  close(): void;
}

/** What changes while a connection lives. */
interface Life {
  state: PeerState;
  isOver: boolean;
  readonly bornMs: number;
  lastHeardMs: number;
  lastReportMs: number;
  reception: Reception | undefined;
  heard: Heard | undefined;
  channel: DataChannel | undefined;
  messagesSinceLook: number;
  sequence: number;
  /** Where the packet that is being sent is written; the library takes a copy. */
  readonly packet: Buffer;
  readonly sent: { readonly ssrc: number; packets: number; octets: number; rtpTimestamp: number };
}

/** Opens the library's connection for a checked offer. `answered` rejects with a Refusal when no answer can be made. */
export function openConnection(offer: Offer, events: PeerEvents, options: ConnectionOptions): Connection {
  const life = newLife(options.now());
  const native = openNative(options);
  const track = native.addTrack(describeTrack(offer, life.sent.ssrc));
  const over = (state: "failed" | "closed" | undefined): void => {
    if (life.isOver) return;
    life.isOver = true;
    closeNative(native, track, life.channel);
    options.onOver();
    if (state !== undefined) events.onState(state);
  };
  const become = (state: PeerState): void => {
    if (life.isOver || life.state === state) return;
    life.state = state;
    if (state === "failed" || state === "closed") over(state);
    else events.onState(state);
  };
  listenToTrack(track, life, events, options.now, become);
  native.onDataChannel((channel) => takeChannel(channel, life, events, options.now));
  native.onStateChange((state) => become(stateAfter(life.state, state)));
  const peer: Omit<Peer, "answerSdp"> = {
    opusPayloadType: offer.audio.opusPayloadType,
    redPayloadType: offer.audio.redPayloadType,
    audioLevelExtensionId: offer.audio.audioLevelExtensionId,
    receivesSound: offer.audio.direction === "sendrecv",
    sendPacket: (opus, timestamp) => sendPacket(track, offer, life, opus, timestamp),
    send: (text) => sendText(life, text),
    close: () => over(undefined),
  };
  const answered = answer(native, offer, life, options).then(
    (answerSdp) => ({ ...peer, answerSdp }),
    (cause: unknown) => {
      over(undefined);
      throw cause instanceof Refusal ? cause : new Refusal("internal", "The offer could not be answered.", { cause });
    },
  );
  return { answered, look: (nowMs) => look(track, life, nowMs, become), close: () => over(undefined) };
}

function newLife(nowMs: number): Life {
  return {
    state: "connecting",
    isOver: false,
    bornMs: nowMs,
    lastHeardMs: nowMs,
    lastReportMs: nowMs,
    reception: undefined,
    heard: undefined,
    channel: undefined,
    messagesSinceLook: 0,
    sequence: randomInt(0x8000),
    packet: Buffer.alloc(MAX_PACKET_BYTES),
    sent: { ssrc: randomInt(1, 0xffff_ffff), packets: 0, octets: 0, rtpTimestamp: 0 },
  };
}

function openNative(options: ConnectionOptions): PeerConnection {
  try {
    return new nodeDataChannel.PeerConnection("speaker", {
      iceServers: [...options.iceServers],
      enableIceUdpMux: true,
      portRangeBegin: options.udpPort,
      portRangeEnd: options.udpPort,
      maxMessageSize: MAX_MESSAGE_BYTES,
      ...(options.bindAddress === undefined ? {} : { bindAddress: options.bindAddress }),
    });
  } catch (cause) {
    throw new Refusal("internal", "The stage could not open a peer.", { cause });
  }
}

/** RED stands before Opus: the library lists formats as they were added, and its default Opus profile is stereo. */
function describeTrack(offer: Offer, ssrc: number): InstanceType<typeof nodeDataChannel.Audio> {
  const { mid, direction, opusPayloadType: opus, redPayloadType: red } = offer.audio;
  const audio = new nodeDataChannel.Audio(mid, direction === "sendrecv" ? "SendRecv" : "RecvOnly");
  if (red !== undefined) audio.addAudioCodec(red, "red", `${opus}/${opus}`);
  audio.addOpusCodec(opus, "minptime=10;useinbandfec=1");
  audio.addSSRC(ssrc, "hustings", "hustings", "mix");
  return audio;
}

async function answer(native: PeerConnection, offer: Offer, life: Life, options: ConnectionOptions): Promise<string> {
  const gathered = Promise.withResolvers<void>();
  const deadline = setTimeout(gathered.resolve, GATHER_DEADLINE_MS);
  native.onGatheringStateChange((state) => {
    if (state === "complete") gathered.resolve();
  });
  try {
    native.setRemoteDescription(writeCleanOffer(offer), "offer");
    await gathered.promise;
  } finally {
    clearTimeout(deadline);
  }
  if (life.isOver) throw new Refusal("draining", "The peer was closed before it was answered.");
  const local = readLocalDescription(native.localDescription()?.sdp ?? "");
  return writeAnswer(offer, {
    ...local,
    sessionId: String(randomInt(1, 2 ** 47)),
    ssrc: life.sent.ssrc,
    candidates: options.reachable(local.candidates),
  });
}

function listenToTrack(
  track: Track,
  life: Life,
  events: PeerEvents,
  now: () => number,
  become: (state: PeerState) => void,
): void {
  // The library forgets a track only through this callback, and by then the track must not have been collected.
  track.onClosed(() => void track);
  track.onError(() => {});
  track.onMessage((bytes) => {
    if (life.isOver) return;
    const arrivalMs = now();
    if (isRtcp(bytes)) {
      const { report, senderReportNtp } = readRtcp(bytes, life.sent.ssrc, arrivalMs);
      if (senderReportNtp !== undefined) life.heard = { senderReportNtp, atMs: arrivalMs };
      if (report !== undefined) events.onReport?.(report);
      return;
    }
    life.lastHeardMs = arrivalMs;
    if (life.state === "disconnected") become("connected");
    life.reception = countPacket(life.reception, bytes, arrivalMs);
    events.onPacket(bytes, arrivalMs);
  });
}

/** The first channel named "hustings" is the speaker's; every other is closed as it comes. */
function takeChannel(channel: DataChannel, life: Life, events: PeerEvents, now: () => number): void {
  channel.onClosed(() => {
    if (life.channel === channel) life.channel = undefined;
  });
  channel.onError(() => {});
  if (life.isOver || life.channel !== undefined || channel.getLabel() !== CHANNEL_LABEL) {
    channel.close();
    return;
  }
  life.channel = channel;
  channel.onMessage((message) => {
    if (life.isOver || life.channel !== channel) return;
    life.lastHeardMs = now();
    life.messagesSinceLook += 1;
    const isTaken = typeof message === "string" && Buffer.byteLength(message) <= MAX_MESSAGE_BYTES;
    if (isTaken && life.messagesSinceLook <= MAX_MESSAGES_PER_LOOK) {
      events.onMessage(message);
    } else {
      life.channel = undefined;
      channel.close();
    }
  });
  events.onChannelOpen();
}

/** The library's state over ours: silence is judged here, so it may not lift "disconnected" by itself. */
function stateAfter(ours: PeerState, theirs: string): PeerState {
  if (theirs === "connected") return ours === "disconnected" ? ours : "connected";
  if (theirs === "disconnected" || theirs === "failed" || theirs === "closed") return theirs;
  return ours;
}

function look(track: Track, life: Life, nowMs: number, become: (state: PeerState) => void): void {
  life.messagesSinceLook = 0;
  if (life.state === "connecting") {
    life.lastHeardMs = nowMs;
    if (nowMs - life.bornMs > CONNECT_DEADLINE_MS) become("failed");
    return;
  }
  const silentMs = nowMs - life.lastHeardMs;
  if (silentMs > SILENCE_MS) become(silentMs > GONE_MS ? "failed" : "disconnected");
  if (life.isOver || nowMs - life.lastReportMs < REPORT_MS || !track.isOpen()) return;
  life.lastReportMs = nowMs;
  const { bytes, reception } = writeReport(life.sent, life.reception, life.heard, nowMs);
  life.reception = reception;
  sendBytes(track, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

function sendPacket(track: Track, offer: Offer, life: Life, opus: Uint8Array, timestamp: number): boolean {
  const isOpen = life.state === "connected" || life.state === "disconnected";
  if (!isOpen || life.isOver || offer.audio.direction !== "sendrecv" || opus.length > MAX_OPUS_BYTES) return false;
  const { ssrc } = life.sent;
  const payloadType = offer.audio.opusPayloadType;
  const fields = { payloadType, sequence: life.sequence, timestamp, ssrc, payload: opus };
  const bytes = life.packet.subarray(0, writeRtpInto(life.packet, fields));
  life.sequence = (life.sequence + 1) & 0xffff;
  life.sent.packets += 1;
  life.sent.octets += opus.length;
  life.sent.rtpTimestamp = timestamp;
  return sendBytes(track, bytes);
}

/** The library throws when the connection ended a moment ago; to the owner that is the same as not open. */
function sendBytes(track: Track, bytes: Buffer): boolean {
  try {
    return track.sendMessageBinary(bytes);
  } catch {
    return false;
  }
}

function sendText(life: Life, text: string): boolean {
  const { channel } = life;
  if (life.isOver || channel === undefined || !channel.isOpen()) return false;
  if (Buffer.byteLength(text) > MAX_CHANNEL_BYTES || channel.bufferedAmount() > MAX_WAITING_BYTES) return false;
  try {
    channel.sendMessage(text);
    return true;
  } catch {
    return false;
  }
}

function closeNative(native: PeerConnection, track: Track, channel: DataChannel | undefined): void {
  for (const part of [channel, track, native]) {
    try {
      part?.close();
    } catch {
      // Closing what the other side has closed already is no fault.
    }
  }
}
