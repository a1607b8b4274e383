// Owns a space on air for load runs and tests: created and hosted through the public door, spoken by a voice from a file.

import { takeTheFloor } from "../../cli/speak.ts";
import { readVoice, speakPackets } from "../../speaker/node/voice-file.ts";
import { connectSpeaker, type Speaker } from "../../speaker/node/whip-client.ts";
import { ROUTES } from "../../wire/routes.ts";
import type { CreatedSpace, RunningServer } from "../testing/running-server.ts";

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
  await takeTheFloor(speaker, true);
  return {
    space,
    speaker,
    [Symbol.dispose]() {
      speaking.cancel();
      speaker.close();
    },
  };
}
