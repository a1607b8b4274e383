// A speaker without a browser: WHIP (RFC 9725) without trickle, one data channel, and Opus packets from the caller.

import { randomInt } from "node:crypto";
import { type Redundant, writeRed } from "@hustings/media/speech/red.ts";
import { writeRtp } from "@hustings/media/speech/rtp.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { Command } from "@hustings/wire/stage/commands.ts";
import { CHANNEL_LABEL, type StageMessage } from "@hustings/wire/stage/data-channel.ts";
import { PACKET_SAMPLES } from "@hustings/wire/units.ts";
import nodeDataChannel, { type DataChannel, type PeerConnection, type Track } from "node-datachannel";
import { PendingCommands } from "../pending-commands.ts";
import { sendOffer } from "../whip-offer.ts";

const OPUS_PAYLOAD_TYPE = 111;
const RED_PAYLOAD_TYPE = 63;
const ACCEPTS_RED = new RegExp(`^a=rtpmap:${RED_PAYLOAD_TYPE} red/48000/2\\s*$`, "im");
const CONNECT_DEADLINE_MS = 15_000;
const MAX_WAITING_COMMANDS = 64;

export interface SpeakerOptions {
  readonly whipUrl: string;
  readonly ticket: string;
  /** Offers RED, whose packets carry the one before, as browsers do. Default: true. */
  readonly isRedundant?: boolean;
  /** RTP packets of the other speakers' sound, one Opus packet each. */
  readonly onPacket?: (rtp: Uint8Array) => void;
  readonly onDown?: (message: StageMessage) => void;
  /** Called once, for any reason. */
  readonly onClosed?: (why: string) => void;
}

export interface Speaker {
  readonly seat: number;
  /** 20 ms; the caller keeps the pace. False: the connection is not open. */
  sendPacket(opus: Uint8Array): boolean;
  /** Resolves with `seq` once on disk. Throws the stage's Refusal. */
  command(command: Command): Promise<number>;
  close(): void;
}

/** Throws Refusal, or Error if the connection does not open in time. */
export async function connectSpeaker(options: SpeakerOptions): Promise<Speaker> {
  const native = new nodeDataChannel.PeerConnection("speaker", { iceServers: [], ...bindAddressFor(options.whipUrl) });
  const ssrc = randomInt(1, 0xffff_ffff);
  const track = native.addTrack(soundSection(ssrc, options.isRedundant ?? true));
  const channel = native.createDataChannel(CHANNEL_LABEL);
  // Keeps the track from being collected before the library releases it.
  track.onClosed(() => void track);
  const connection = openConnection(native, track, channel, options);
  track.onMessage((bytes) => {
    if (isSound(bytes)) options.onPacket?.(bytes);
  });
  const deadline = setTimeout(() => connection.close("it did not open in time"), CONNECT_DEADLINE_MS);
  try {
    const offerSdp = await connection.untilClosed(gather(native));
    const { whipUrl: url, ticket } = options;
    const offer = sendOffer({ url, ticket, sdp: offerSdp, deadlineMs: CONNECT_DEADLINE_MS });
    const { sdp: answerSdp } = await connection.untilClosed(offer);
    native.setRemoteDescription(answerSdp, "answer");
    const seat = await connection.seated;
    const sendPacket = packetSender(track, ssrc, ACCEPTS_RED.test(answerSdp));
    return { seat, sendPacket, command: connection.command, close: () => connection.close("closed") };
  } catch (cause) {
    connection.close("closed");
    throw cause;
  } finally {
    clearTimeout(deadline);
  }
}

function bindAddressFor(whipUrl: string): { bindAddress?: string } {
  const { hostname } = new URL(whipUrl);
  return hostname === "localhost" || hostname.startsWith("127.") ? { bindAddress: "127.0.0.1" } : {};
}

function soundSection(ssrc: number, isRedundant: boolean): InstanceType<typeof nodeDataChannel.Audio> {
  const audio = new nodeDataChannel.Audio("0", "SendRecv");
  if (isRedundant) audio.addAudioCodec(RED_PAYLOAD_TYPE, "red", `${OPUS_PAYLOAD_TYPE}/${OPUS_PAYLOAD_TYPE}`);
  audio.addOpusCodec(OPUS_PAYLOAD_TYPE, "minptime=10;useinbandfec=1");
  audio.addSSRC(ssrc, "hustings", "hustings", "voice");
  return audio;
}

/** RTP, not RTCP (RFC 5761 §4). */
function isSound(bytes: Uint8Array): boolean {
  const second = bytes[1] ?? 0;
  return bytes.length > 12 && (second < 192 || second > 223);
}

/** Gathering starts with the data channel, and may be complete before this is called. */
function gather(native: PeerConnection): Promise<string> {
  return new Promise((resolve, reject) => {
    const take = (state: string): void => {
      if (state !== "complete") return;
      const sdp = native.localDescription()?.sdp;
      if (sdp) resolve(sdp);
      else reject(new Error("The WebRTC library made no offer."));
    };
    native.onGatheringStateChange(take);
    take(native.gatheringState());
    native.setLocalDescription("offer" as Parameters<PeerConnection["setLocalDescription"]>[0]);
  });
}

function packetSender(track: Track, ssrc: number, isRedundant: boolean): (opus: Uint8Array) => boolean {
  let sequence = randomInt(0x8000);
  let timestamp = randomInt(0x4000_0000);
  let before: readonly Redundant[] = [];
  return (opus) => {
    const primary = { payloadType: OPUS_PAYLOAD_TYPE, payload: opus };
    const payload = isRedundant ? writeRed(primary, before) : opus;
    const payloadType = isRedundant ? RED_PAYLOAD_TYPE : OPUS_PAYLOAD_TYPE;
    before = [{ ...primary, offset: PACKET_SAMPLES }];
    const rtp = writeRtp({ payloadType, sequence, timestamp, ssrc, payload });
    sequence = (sequence + 1) & 0xffff;
    timestamp = (timestamp + PACKET_SAMPLES) >>> 0;
    try {
      return track.isOpen() && track.sendMessageBinary(Buffer.from(rtp));
    } catch {
      return false;
    }
  };
}

interface StageConnection {
  readonly seated: Promise<number>;
  /** Rejects when the connection closes first: the library may never settle `step`. */
  untilClosed<T>(step: Promise<T>): Promise<T>;
  command(command: Command): Promise<number>;
  close(why: string): void;
}

function openConnection(
  native: PeerConnection,
  track: Track,
  channel: DataChannel,
  options: SpeakerOptions,
): StageConnection {
  const seated = Promise.withResolvers<number>();
  seated.promise.catch(() => {});
  const commands = new PendingCommands();
  let isClosed = false;

  function close(why: string): void {
    if (isClosed) return;
    isClosed = true;
    const error = new Error(`The connection to the stage ended: ${why}.`);
    seated.reject(error);
    commands.rejectAll(error);
    for (const part of [channel, track, native]) {
      try {
        part.close();
      } catch {}
    }
    options.onClosed?.(why);
  }

  function onMessage(message: StageMessage): void {
    if (message.kind === "snapshot") seated.resolve(message.seat);
    commands.onMessage(message);
    options.onDown?.(message);
    if (message.kind === "bye") close(message.why);
  }

  channel.onMessage((text) => {
    if (typeof text === "string" && !isClosed) onMessage(JSON.parse(text) as StageMessage);
  });
  channel.onClosed(() => close("the channel closed"));
  native.onStateChange((state) => {
    if (state === "failed" || state === "closed" || state === "disconnected") close(`the connection is ${state}`);
  });

  return {
    seated: seated.promise,
    untilClosed: (step) => Promise.race([step, seated.promise.then(() => step)]),
    close,
    command(command) {
      if (isClosed || !channel.isOpen()) return Promise.reject(new Error("The connection to the stage is not open."));
      if (commands.count >= MAX_WAITING_COMMANDS) return Promise.reject(new Refusal("too-many"));
      const { text, seq } = commands.add(command);
      channel.sendMessage(text);
      return seq;
    },
  };
}
