// One WebRTC connection to the stage: WHIP (RFC 9725) and a data channel.

import type { Clock } from "@hustings/flow/clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { CHANNEL_LABEL, type StageMessage } from "@hustings/wire/stage/data-channel.ts";
import { sendOffer } from "../whip-offer.ts";

export interface StageConnection {
  readonly peer: RTCPeerConnection;
  readonly channel: RTCDataChannel;
  readonly callId: string | undefined;
}

export interface ConnectionOptions {
  readonly whipUrl: string;
  readonly ticket: string;
  readonly microphone: MediaStream;
  readonly iceServers: readonly RTCIceServer[];
  readonly clock: Clock;
  readonly onMessage: (message: StageMessage) => void;
  readonly onLost: () => void;
  readonly onSound: (sound: MediaStream) => void;
  readonly onIceServers: (iceServers: readonly RTCIceServer[]) => void;
}

const OFFER_DEADLINE_MS = 4_000;
const CONNECT_DEADLINE_MS = 6_000;
/** Candidates do not trickle; local ones arrive within half a second. */
const GATHERING_MS = 500;

/** Resolves with the stage's first message. Throws Refusal. */
export async function openConnection(options: ConnectionOptions): Promise<StageConnection> {
  const { whipUrl, ticket, microphone, clock } = options;
  const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers: [...options.iceServers] });
  const channel = peer.createDataChannel(CHANNEL_LABEL, { ordered: true });
  const firstMessage = Promise.withResolvers<void>();
  const deadline = clock.after(CONNECT_DEADLINE_MS, () => firstMessage.reject(new Refusal("stage-away")));
  channel.onmessage = ({ data }) => {
    options.onMessage(JSON.parse(String(data)) as StageMessage);
    firstMessage.resolve();
  };
  channel.onclose = options.onLost;
  peer.onconnectionstatechange = () => {
    if (peer.connectionState === "failed" || peer.connectionState === "closed") options.onLost();
  };
  peer.ontrack = ({ track, streams }) => options.onSound(streams[0] ?? new MediaStream([track]));
  try {
    addMicrophone(peer, microphone);
    await peer.setLocalDescription();
    await gathered(peer, clock);
    const sdp = peer.localDescription?.sdp ?? "";
    const answer = await sendOffer({ url: whipUrl, ticket, sdp, deadlineMs: OFFER_DEADLINE_MS });
    options.onIceServers(answer.iceServers);
    await peer.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    await firstMessage.promise;
    return { peer, channel, callId: answer.callId };
  } catch (error) {
    closeConnection({ peer, channel });
    throw error;
  } finally {
    deadline.cancel();
  }
}

export function closeConnection({ peer, channel }: Pick<StageConnection, "peer" | "channel">): void {
  channel.onclose = null;
  peer.onconnectionstatechange = null;
  channel.close();
  peer.close();
}

/** With RED, Chromium sends every packet twice, which survives single losses. */
function addMicrophone(peer: RTCPeerConnection, microphone: MediaStream): void {
  const track = microphone.getAudioTracks()[0];
  const transceiver = peer.addTransceiver(track ?? "audio", { direction: "sendrecv", streams: [microphone] });
  const codecs = RTCRtpReceiver.getCapabilities?.("audio")?.codecs ?? [];
  const red = codecs.filter((codec) => codec.mimeType.toLowerCase() === "audio/red");
  const opus = codecs.filter((codec) => codec.mimeType.toLowerCase() === "audio/opus");
  if (opus.length > 0 && transceiver.setCodecPreferences) transceiver.setCodecPreferences([...red, ...opus]);
}

function gathered(peer: RTCPeerConnection, clock: Clock): Promise<void> {
  if (peer.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    const timer = clock.after(GATHERING_MS, resolve);
    peer.addEventListener("icegatheringstatechange", () => {
      if (peer.iceGatheringState !== "complete") return;
      timer.cancel();
      resolve();
    });
  });
}
