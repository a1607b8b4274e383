// Owns a process with many open microphones: every seat of a space taken, each speaking a voice of its own over and over,
// each listening to its mix-minus. Refuses to measure what that costs the stage.

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
  /** Packets that came back to all of them so far. */
  heardPackets(): Promise<number>;
}

const ENTRY = fileURLToPath(import.meta.url);
const VOICES: readonly VoiceName[] = ["anna", "ben", "chloe", "welcome"];

/** Resolves when `count` people sit and speak. */
export async function startMicrophones({ doorUrl, stageUrl }: Doors, space: CreatedSpace, count: number) {
  const child = fork(ENTRY, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const exited = once(child, "exit");
  const ended = exited.then(([code]) => Promise.reject(new Error(`the microphones ended with ${code}`)));
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
    // No two of the same voice at the same word, no two senders at the same moment.
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
