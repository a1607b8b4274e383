// A space on air for benches and tests: created through the public door, with a host who speaks a file over and over.

import { startSpeaking } from "../../cli/speak.ts";
import { readVoice, speakPackets } from "../../speaker/node/voice-file.ts";
import { connectSpeaker, type Speaker } from "../../speaker/node/whip-client.ts";
import { ROUTES } from "../../wire/routes.ts";
import type { CreatedSpace, RunningServer } from "./running-server.ts";

export interface OnAir extends Disposable {
  readonly space: CreatedSpace;
  readonly speaker: Speaker;
}

/** A live space whose host speaks the voice at `voicePath` over and over. */
export async function goOnAir(server: RunningServer, title: string, voicePath: string): Promise<OnAir> {
  const space = await server.create(title);
  const speaker = await connectSpeaker({ whipUrl: server.stageUrl + ROUTES.stage(space.id), ticket: space.hostTicket });
  const packets = await readVoice(voicePath);
  const speaking = speakPackets(packets, (packet) => void speaker.sendPacket(packet), { loops: true });
  await startSpeaking(speaker, true);
  return {
    space,
    speaker,
    [Symbol.dispose]() {
      speaking.cancel();
      speaker.close();
    },
  };
}
