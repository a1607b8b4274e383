// Runs many open microphones in a process of their own: each seat speaks a different voice in a loop and receives its
// mix-minus.

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../../flow/clock.ts";
import { readVoice, speakPackets } from "../../../speaker/node/voice-file.ts";
import type { Speaker } from "../../../speaker/node/whip-client.ts";
import { PACKET_MS } from "../../../wire/units.ts";
import type { CreatedSpace } from "../../testing/running-server.ts";
import { type VoiceName, voice } from "../../testing/voices.ts";
import { type Doors, seatGuest, seatHost } from "./seats.ts";

interface MicrophonesOrder {
  readonly doors: Doors;
  readonly space: CreatedSpace;
  readonly count: number;
}

export interface Microphones extends AsyncDisposable {
  /** Packets received so far, by all of them together. */
  heardPackets(): Promise<number>;
}

const ENTRY = fileURLToPath(import.meta.url);
const VOICES: readonly VoiceName[] = ["anna", "ben", "chloe", "welcome"];

/** Resolves when `count` people are seated and speaking. */
export async function startMicrophones({ doorUrl, stageUrl }: Doors, space: CreatedSpace, count: number) {
  const child = fork(ENTRY, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const exited = once(child, "exit");
  const ended = exited.then(([code]) => Promise.reject(new Error(`the microphones exited with ${code}`)));
  ended.catch(() => undefined);
  const answer = async (): Promise<number> => ((await Promise.race([once(child, "message"), ended])) as [number])[0];
  const microphones: Microphones = {
    heardPackets() {
      const heard = answer();
      child.send("heard");
      return heard;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await exited;
    },
  };
  try {
    child.send({ doors: { doorUrl, stageUrl }, space, count } satisfies MicrophonesOrder);
    await answer();
  } catch (cause) {
    await microphones[Symbol.asyncDispose]();
    throw cause;
  }
  return microphones;
}

async function speakAll({ doors, space, count }: MicrophonesOrder): Promise<void> {
  let heard = 0;
  const ears = { onPacket: () => void heard++ };
  const voices = await Promise.all(VOICES.map((name) => readVoice(voice(name))));
  for (let n = 0; n < count; n += 1) {
    const speaker: Speaker =
      n === 0 ? await seatHost(doors, space, ears) : await seatGuest(doors, space, `Speaker ${n}`, ears);
    const packets = voices[n % voices.length] ?? [];
    // Different words and different send times for each speaker.
    const turned = [...packets.slice(n * 83), ...packets.slice(0, n * 83)];
    systemClock.after((n * PACKET_MS) / count, () => {
      speakPackets(turned, (packet) => void speaker.sendPacket(packet), { loops: true });
    });
  }
  process.on("message", () => process.send?.(heard));
  process.send?.(count);
}

if (process.argv[1] === ENTRY && process.send) {
  process.once("disconnect", () => process.exit());
  process.once("message", (order: MicrophonesOrder) => {
    speakAll(order).catch((error: unknown) => {
      process.stderr.write(`${(error as Error).stack}\n`);
      process.exit(1);
    });
  });
}
