// A speaker made of the library itself, which behaves as OBS does.

import { writeRtp } from "@hustings/media/speech/rtp.ts";
import nodeDataChannel, { type PeerConnection } from "node-datachannel";

export interface LibraryClient {
  readonly native: PeerConnection;
  readonly offer: string;
  speak(sequence: number): void;
  /** Opens one more channel. */
  openChannel(label: string): void;
  close(): void;
}

/** Its offer is complete. */
export async function openClient(): Promise<LibraryClient> {
  const native = new nodeDataChannel.PeerConnection("client", { iceServers: [], bindAddress: "127.0.0.1" });
  const gathered = Promise.withResolvers<void>();
  native.onStateChange(() => {});
  native.onGatheringStateChange((state) => state === "complete" && gathered.resolve());
  const audio = new nodeDataChannel.Audio("0", "SendRecv");
  audio.addOpusCodec(111);
  audio.addSSRC(5, "client");
  const track = native.addTrack(audio);
  track.onClosed(() => void track);
  const channels = [native.createDataChannel("hustings")];
  for (const channel of channels) channel.onClosed(() => void channel);
  await gathered.promise;
  return {
    native,
    offer: native.localDescription()?.sdp ?? "",
    speak(sequence) {
      const fields = { payloadType: 111, sequence, timestamp: sequence * 960, ssrc: 5, payload: new Uint8Array(60) };
      if (track.isOpen()) track.sendMessageBinary(Buffer.from(writeRtp(fields)));
    },
    openChannel(label) {
      const channel = native.createDataChannel(label);
      channel.onClosed(() => void channel);
      channels.push(channel);
    },
    close() {
      for (const part of [...channels, track, native]) part.close();
    },
  };
}
