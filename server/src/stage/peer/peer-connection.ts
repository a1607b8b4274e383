// One speaker's WebRTC connection, as one state, with the return's RTP headers and a limited data channel.

import { randomInt } from "node:crypto";
import { MAX_OPUS_BYTES } from "@hustings/media/container/opus-packet.ts";
import { RTP_HEADER_BYTES, writeRtpInto } from "@hustings/media/speech/rtp.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { CHANNEL_LABEL, MAX_CHANNEL_BYTES } from "@hustings/wire/stage/data-channel.ts";
import nodeDataChannel, { type DataChannel, type PeerConnection, type Track } from "node-datachannel";
import { Liveness, SILENCE_MS } from "./liveness.ts";
import { createPeerLimits, type PeerLimits } from "./peer-limits.ts";
import type { Peer, PeerEvents, PeerState } from "./peer-port.ts";
import type { HeldPeer } from "./peer-quota.ts";
import { countPacket, isRtcp, type LastSenderReport, type Reception, readRtcp, writeReport } from "./rtcp.ts";
import {
  type Candidate,
  MAX_MESSAGE_BYTES,
  type Offer,
  readLocalDescription,
  writeAnswer,
  writeCleanOffer,
} from "./sdp.ts";

/** A silent STUN server must not delay the answer; gathering takes milliseconds. */
const GATHER_DEADLINE_MS = 2_000;
const CONNECT_DEADLINE_MS = 15_000;
const REPORT_MS = 1_000;
const MAX_WAITING_BYTES = 262_144;
const MAX_MESSAGES_PER_CHECK = 100;
const MAX_PACKET_BYTES = RTP_HEADER_BYTES + MAX_OPUS_BYTES;

export interface ConnectionOptions {
  readonly udpPort: number;
  readonly bindAddress?: string;
  readonly iceServers: readonly string[];
  readonly now: () => number;
  /** Maps found candidates to those of the answer. */
  readonly reachable: (found: readonly Candidate[]) => readonly Candidate[];
  readonly onEnd: () => void;
  readonly from: string | undefined;
}

export interface Connection extends HeldPeer {
  readonly answered: Promise<Peer>;
  /** Ends as failed. */
  giveWay(): void;
  check(nowMs: number): void;
  close(): void;
}

interface ConnectionStatus {
  state: PeerState;
  hasConnected: boolean;
  isOver: boolean;
  readonly bornMs: number;
  /** When the peer was last seen connecting. */
  connectingMs: number;
  readonly liveness: Liveness;
  lastReportMs: number;
  reception: Reception | undefined;
  lastSenderReport: LastSenderReport | undefined;
  channel: DataChannel | undefined;
  messagesSinceCheck: number;
  sequence: number;
  /** Reused: the library copies it. */
  readonly packet: Buffer;
  readonly sent: { readonly ssrc: number; packets: number; octets: number; rtpTimestamp: number };
}

/** `answered` rejects with a Refusal if no answer can be made. */
export function openConnection(offer: Offer, events: PeerEvents, options: ConnectionOptions): Connection {
  const status = newStatus(options.now());
  const native = openNative(options);
  const track = native.addTrack(describeTrack(offer, status.sent.ssrc));
  const end = (state: "failed" | "closed" | undefined): void => {
    if (status.isOver) return;
    status.isOver = true;
    closeNative(native, track, status.channel);
    options.onEnd();
    if (state !== undefined) events.onState(state);
  };
  const setState = (state: PeerState): void => {
    if (status.isOver || status.state === state) return;
    status.state = state;
    status.hasConnected ||= state === "connected";
    if (state === "failed" || state === "closed") end(state);
    else events.onState(state);
  };
  const limits = createPeerLimits(options.now);
  listenToTrack(track, status, events, options.now, limits, setState);
  native.onDataChannel((channel) => {
    adoptChannel(channel, status, events, options.now);
    if (!limits.takeChannel()) setState("failed");
  });
  native.onStateChange((state) => setState(stateAfter(status.state, state)));
  const peer: Omit<Peer, "answerSdp"> = {
    opusPayloadType: offer.audio.opusPayloadType,
    redPayloadType: offer.audio.redPayloadType,
    audioLevelExtensionId: offer.audio.audioLevelExtensionId,
    receivesSound: offer.audio.direction === "sendrecv",
    sendPacket: (opus, timestamp) => sendPacket(track, offer, status, opus, timestamp),
    send: (text) => sendText(status, text),
    close: () => end(undefined),
  };
  const answered = answer(native, offer, status, options).then(
    (answerSdp) => ({ ...peer, answerSdp }),
    (cause: unknown) => {
      end(undefined);
      throw cause instanceof Refusal ? cause : new Refusal("internal", "The offer could not be answered.", { cause });
    },
  );
  return {
    answered,
    from: options.from,
    bornMs: status.bornMs,
    get hasConnected() {
      return status.hasConnected;
    },
    check: (nowMs) => check(track, status, nowMs, setState),
    giveWay: () => end("failed"),
    close: () => end(undefined),
  };
}

function newStatus(nowMs: number): ConnectionStatus {
  return {
    state: "connecting",
    hasConnected: false,
    isOver: false,
    bornMs: nowMs,
    connectingMs: nowMs,
    liveness: new Liveness(),
    lastReportMs: nowMs,
    reception: undefined,
    lastSenderReport: undefined,
    channel: undefined,
    messagesSinceCheck: 0,
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

/** RED before Opus, the library's order of formats. Its default Opus profile is stereo. */
function describeTrack(offer: Offer, ssrc: number): InstanceType<typeof nodeDataChannel.Audio> {
  const { mid, direction, opusPayloadType: opus, redPayloadType: red } = offer.audio;
  const audio = new nodeDataChannel.Audio(mid, direction === "sendrecv" ? "SendRecv" : "RecvOnly");
  if (red !== undefined) audio.addAudioCodec(red, "red", `${opus}/${opus}`);
  audio.addOpusCodec(opus, "minptime=10;useinbandfec=1");
  audio.addSSRC(ssrc, "hustings", "hustings", "mix");
  return audio;
}

async function answer(
  native: PeerConnection,
  offer: Offer,
  status: ConnectionStatus,
  options: ConnectionOptions,
): Promise<string> {
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
  if (status.isOver) throw new Refusal("draining", "The peer was closed before it was answered.");
  const local = readLocalDescription(native.localDescription()?.sdp ?? "");
  return writeAnswer(offer, {
    ...local,
    sessionId: String(randomInt(1, 2 ** 47)),
    ssrc: status.sent.ssrc,
    candidates: options.reachable(local.candidates),
  });
}

function listenToTrack(
  track: Track,
  status: ConnectionStatus,
  events: PeerEvents,
  now: () => number,
  limits: PeerLimits,
  setState: (state: PeerState) => void,
): void {
  // Keeps the track from being collected before the library releases it.
  track.onClosed(() => void track);
  track.onError(() => {});
  track.onMessage((bytes) => {
    if (status.isOver) return;
    const taken = limits.takePacket();
    if (taken === "flood") setState("failed");
    if (taken !== "take") return;
    const arrivalMs = now();
    if (isRtcp(bytes)) {
      status.liveness.sign(arrivalMs);
      events.onSign?.(arrivalMs);
      const { report, senderReportNtp } = readRtcp(bytes, status.sent.ssrc, arrivalMs);
      if (senderReportNtp !== undefined) status.lastSenderReport = { senderReportNtp, atMs: arrivalMs };
      if (report !== undefined) events.onReport?.(report);
      return;
    }
    status.liveness.sound(arrivalMs);
    if (status.state === "disconnected") setState("connected");
    status.reception = countPacket(status.reception, bytes, arrivalMs);
    events.onPacket(bytes, arrivalMs);
  });
}

/** Keeps the first named "hustings" and closes every other. */
function adoptChannel(channel: DataChannel, status: ConnectionStatus, events: PeerEvents, now: () => number): void {
  channel.onClosed(() => {
    if (status.channel === channel) status.channel = undefined;
  });
  channel.onError(() => {});
  if (status.isOver || status.channel !== undefined || channel.getLabel() !== CHANNEL_LABEL) {
    channel.close();
    return;
  }
  status.channel = channel;
  channel.onMessage((message) => {
    if (status.isOver || status.channel !== channel) return;
    const arrivalMs = now();
    status.liveness.sign(arrivalMs);
    events.onSign?.(arrivalMs);
    status.messagesSinceCheck += 1;
    const isAllowed = typeof message === "string" && Buffer.byteLength(message) <= MAX_MESSAGE_BYTES;
    if (isAllowed && status.messagesSinceCheck <= MAX_MESSAGES_PER_CHECK) {
      events.onMessage(message);
    } else {
      status.channel = undefined;
      channel.close();
    }
  });
  events.onChannelOpen();
}

/** Silence is detected here, so the library's "connected" cannot end "disconnected". */
function stateAfter(ours: PeerState, theirs: string): PeerState {
  if (theirs === "connected") return ours === "disconnected" ? ours : "connected";
  if (theirs === "disconnected" || theirs === "failed" || theirs === "closed") return theirs;
  return ours;
}

function check(track: Track, status: ConnectionStatus, nowMs: number, setState: (state: PeerState) => void): void {
  status.messagesSinceCheck = 0;
  if (status.state === "connecting") {
    status.connectingMs = nowMs;
    if (nowMs - status.bornMs > CONNECT_DEADLINE_MS) setState("failed");
    return;
  }
  const isNew = nowMs - status.connectingMs <= SILENCE_MS;
  if (!isNew) setState(status.liveness.isThere(nowMs) ? "connected" : "disconnected");
  if (status.isOver || nowMs - status.lastReportMs < REPORT_MS || !track.isOpen()) return;
  status.lastReportMs = nowMs;
  const { bytes, reception } = writeReport(status.sent, status.reception, status.lastSenderReport, nowMs);
  status.reception = reception;
  sendBytes(track, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

function sendPacket(
  track: Track,
  offer: Offer,
  status: ConnectionStatus,
  opus: Uint8Array,
  timestamp: number,
): boolean {
  const isOpen = status.state === "connected" || status.state === "disconnected";
  if (!isOpen || status.isOver || offer.audio.direction !== "sendrecv" || opus.length > MAX_OPUS_BYTES) return false;
  const { ssrc } = status.sent;
  const payloadType = offer.audio.opusPayloadType;
  const fields = { payloadType, sequence: status.sequence, timestamp, ssrc, payload: opus };
  const bytes = status.packet.subarray(0, writeRtpInto(status.packet, fields));
  status.sequence = (status.sequence + 1) & 0xffff;
  status.sent.packets += 1;
  status.sent.octets += opus.length;
  status.sent.rtpTimestamp = timestamp;
  return sendBytes(track, bytes);
}

/** False also if the library throws because the connection just ended. */
function sendBytes(track: Track, bytes: Buffer): boolean {
  try {
    return track.sendMessageBinary(bytes);
  } catch {
    return false;
  }
}

function sendText(status: ConnectionStatus, text: string): boolean {
  const { channel } = status;
  if (status.isOver || channel === undefined || !channel.isOpen()) return false;
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
    } catch {}
  }
}
