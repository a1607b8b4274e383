// Owns the other end of a peer: a speaker without a browser, for `hustings speak`, the standing demo, drills and tests.
// Refuses to know codecs and where sound comes from. Plain WHIP (RFC 9725), one data channel, no trickle.

import { randomInt } from "node:crypto";
import { type Redundant, writeRed } from "@hustings/media/speech/red.ts";
import { writeRtp } from "@hustings/media/speech/rtp.ts";
import { Refusal, refusalFromBody } from "@hustings/wire/errors.ts";
import type { Command } from "@hustings/wire/stage/commands.ts";
import { CHANNEL_LABEL, type StageMessage } from "@hustings/wire/stage/data-channel.ts";
import { PACKET_SAMPLES } from "@hustings/wire/units.ts";
import nodeDataChannel, { type DataChannel, type PeerConnection, type Track } from "node-datachannel";

const OPUS_PAYLOAD_TYPE = 111;
const RED_PAYLOAD_TYPE = 63;
const ACCEPTS_RED = new RegExp(`^a=rtpmap:${RED_PAYLOAD_TYPE} red/48000/2\\s*$`, "im");
const CONNECT_DEADLINE_MS = 15_000;
const MAX_WAITING_COMMANDS = 64;

export interface SpeakerOptions {
  /** Where to POST the offer: the stage's WHIP address of the space. */
  readonly whipUrl: string;
  /** A ticket of somebody who may sit on the stage. */
  readonly ticket: string;
  /** Whether each packet also carries the one before it (RED), as browsers do where the stage takes it; true where absent. */
  readonly isRedundant?: boolean;
  /** Sound of the others, one Opus packet each. */
  readonly onPacket?: (rtp: Uint8Array) => void;
  readonly onDown?: (message: StageMessage) => void;
  /** Told once, when the connection is over: by either side, or because it failed. */
  readonly onClosed?: (why: string) => void;
}

export interface Speaker {
  /** The seat that the stage gave. */
  readonly seat: number;
  /** Sends 20 ms of sound; the caller keeps the beat. False when the way is not open. */
  sendPacket(opus: Uint8Array): boolean;
  /** Resolves with the `seq` once the command is on disk at the stage; throws its Refusal. */
  command(command: Command): Promise<number>;
  close(): void;
}

/** Connects and sits down; resolves once the stage has said which seat. Throws Refusal, or Error when no way is found. */
export async function connectSpeaker(options: SpeakerOptions): Promise<Speaker> {
  const native = new nodeDataChannel.PeerConnection("speaker", { iceServers: [], ...bindBeside(options.whipUrl) });
  const ssrc = randomInt(1, 0xffff_ffff);
  const track = native.addTrack(describeSound(ssrc, options.isRedundant ?? true));
  const channel = native.createDataChannel(CHANNEL_LABEL);
  // The library forgets a track only through this callback, and by then the track must not have been collected.
  track.onClosed(() => void track);
  const ways = openConnection(native, track, channel, options);
  track.onMessage((bytes) => {
    if (isSound(bytes)) options.onPacket?.(bytes);
  });
  const deadline = setTimeout(() => ways.close("no way to the stage was found in time"), CONNECT_DEADLINE_MS);
  try {
    const offerSdp = await ways.untilClosed(gather(native));
    const answerSdp = await ways.untilClosed(whip(options, offerSdp));
    native.setRemoteDescription(answerSdp, "answer");
    const seat = await ways.seated;
    const sendPacket = packetSender(track, ssrc, ACCEPTS_RED.test(answerSdp));
    return { seat, sendPacket, command: ways.command, close: () => ways.close("closed") };
  } catch (cause) {
    ways.close("closed");
    throw cause;
  } finally {
    clearTimeout(deadline);
  }
}

/** A stage on this machine is met on loopback; any other by whatever addresses there are. */
function bindBeside(whipUrl: string): { bindAddress?: string } {
  const { hostname } = new URL(whipUrl);
  return hostname === "localhost" || hostname.startsWith("127.") ? { bindAddress: "127.0.0.1" } : {};
}

function describeSound(ssrc: number, isRedundant: boolean): InstanceType<typeof nodeDataChannel.Audio> {
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

/** The library begins to gather with the data channel, and may be done before anybody asks. */
function gather(native: PeerConnection): Promise<string> {
  return new Promise((resolve, reject) => {
    const take = (state: string): void => {
      if (state !== "complete") return;
      const sdp = native.localDescription()?.sdp;
      if (sdp) resolve(sdp);
      else reject(new Error("The library made no offer."));
    };
    native.onGatheringStateChange(take);
    take(native.gatheringState());
    native.setLocalDescription("offer" as Parameters<PeerConnection["setLocalDescription"]>[0]);
  });
}

async function whip({ whipUrl, ticket }: SpeakerOptions, offerSdp: string): Promise<string> {
  const response = await fetch(whipUrl, {
    method: "POST",
    headers: { "content-type": "application/sdp", authorization: `Bearer ${ticket}` },
    body: offerSdp,
    signal: AbortSignal.timeout(CONNECT_DEADLINE_MS),
  });
  const body = await response.text();
  if (response.status === 201) return body;
  throw refusalFromBody(body) ?? new Error(`The stage answered ${response.status}.`);
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
  /** The step's outcome, or why the connection ended before it: neither the library nor the network need ever answer. */
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
  const waiting = new Map<number, PromiseWithResolvers<number>>();
  let nextId = 1;
  let isOver = false;

  function over(why: string): void {
    if (isOver) return;
    isOver = true;
    seated.reject(new Error(`The stage was lost: ${why}.`));
    for (const one of waiting.values()) one.reject(new Error(`The stage was lost: ${why}.`));
    waiting.clear();
    for (const part of [channel, track, native]) {
      try {
        part.close();
      } catch {
        // Closed by the other side a moment ago.
      }
    }
    options.onClosed?.(why);
  }

  function take(message: StageMessage): void {
    if (message.kind === "snapshot") seated.resolve(message.seat);
    if (message.kind === "done") waiting.get(message.id)?.resolve(message.seq);
    if (message.kind === "refused") waiting.get(message.id)?.reject(new Refusal(message.error, message.message));
    if (message.kind === "done" || message.kind === "refused") waiting.delete(message.id);
    options.onDown?.(message);
    if (message.kind === "bye") over(message.why);
  }

  channel.onMessage((text) => {
    if (typeof text === "string" && !isOver) take(JSON.parse(text) as StageMessage);
  });
  channel.onClosed(() => over("the channel closed"));
  native.onStateChange((state) => {
    if (state === "failed" || state === "closed" || state === "disconnected") over(`the connection is ${state}`);
  });

  return {
    seated: seated.promise,
    untilClosed: (step) => Promise.race([step, seated.promise.then(() => step)]),
    close: over,
    command(command) {
      if (isOver || !channel.isOpen()) return Promise.reject(new Error("The way to the stage is not open."));
      if (waiting.size >= MAX_WAITING_COMMANDS) return Promise.reject(new Refusal("too-many"));
      const answer = Promise.withResolvers<number>();
      const id = nextId++;
      waiting.set(id, answer);
      channel.sendMessage(JSON.stringify({ kind: "command", id, command }));
      return answer.promise;
    },
  };
}
