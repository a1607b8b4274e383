// Owns `hustings speak`: a voice from a file on the stage of a space. Refuses to know how sound is mixed or sent on.

import { parseArgs } from "node:util";
import { askDoor } from "@hustings/listener/headless/door-client.ts";
import { readSpaceLink, type SpaceLink } from "@hustings/listener/headless/space-link.ts";
import { readVoice, speakPackets } from "@hustings/speaker/node/voice-file.ts";
import { connectSpeaker, type Speaker } from "@hustings/speaker/node/whip-client.ts";
import { ROUTES } from "@hustings/wire/routes.ts";

export const usage = `hustings speak URL --file speech.wav [--ticket T] [--live] [--loop] [--stage URL]
  Speaks a WAV or Ogg Opus file on the stage of a space.
  URL       link of the space; a host link needs no ticket
  --ticket  a ticket of somebody who may sit on the stage
  --live    go live first (host only)
  --loop    begin again at the end of the file, until interrupted
  --stage   speak to this address of the stage instead of the door, such as http://localhost:8444`;

/** Resolves when the file has been spoken or `signal` aborts. Throws what a person should read. */
export async function run(args: readonly string[], signal: AbortSignal): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ticket: { type: "string" },
      file: { type: "string" },
      live: { type: "boolean" },
      loop: { type: "boolean" },
      stage: { type: "string" },
    },
  });
  const link = readSpaceLink(positionals[0]);
  if (values.file === undefined) throw new Error("Give --file with a WAV or Ogg Opus file to speak.");
  const packets = await readVoice(values.file);
  const ticket = values.ticket ?? (await ticketOf(link));
  const over = Promise.withResolvers<void>();
  const speaker = await connectSpeaker({
    whipUrl: new URL(ROUTES.stage(link.id), values.stage ?? link.origin).href,
    ticket,
    onClosed: (why) => (why === "closed" ? over.resolve() : over.reject(new Error(`The stage was left: ${why}.`))),
  });
  signal.addEventListener("abort", () => speaker.close(), { once: true });
  await takeTheFloor(speaker, values.live === true);
  process.stdout.write(`On the stage, seat ${speaker.seat}. Speaking ${values.file}.\n`);
  const speaking = speakPackets(packets, (packet) => void speaker.sendPacket(packet), {
    loops: values.loop === true,
    done: () => speaker.close(),
  });
  await over.promise.finally(() => speaking.cancel());
}

/** Unmutes, and goes live when asked to. */
export async function takeTheFloor(speaker: Speaker, goesLive: boolean): Promise<void> {
  if (goesLive) await speaker.command({ do: "live" });
  await speaker.command({ do: "mute", seat: speaker.seat, muted: false });
}

/** A host's ticket for the secret of a host link. */
export async function ticketOf({ origin, id, secret }: SpaceLink): Promise<string> {
  if (secret === undefined) throw new Error("Give --ticket, or a host link (it has #host= in it).");
  const { ticket } = await askDoor<{ ticket: string }>("POST", `${origin}${ROUTES.tickets(id)}`, { secret });
  return ticket;
}
