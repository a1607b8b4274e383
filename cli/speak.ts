// `hustings speak`: speaks a file on the stage of a space.

import { parseArgs } from "node:util";
import { askDoor } from "@hustings/listener/headless/door-client.ts";
import type { SpaceLink } from "@hustings/listener/headless/space-link.ts";
import { readVoice, speakPackets } from "@hustings/speaker/node/voice-file.ts";
import { connectSpeaker, type Speaker } from "@hustings/speaker/node/whip-client.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import { LINK_HELP, takeLink } from "./options/link.ts";

export const usage = `hustings speak URL --file speech.wav [--ticket T] [--live] [--loop] [--stage URL]
  Speaks a WAV or Ogg Opus file on the stage of a space.
  URL       ${LINK_HELP}. A host link needs no ticket
  --ticket  ticket of a person who may take a seat, also as HUSTINGS_TICKET
  --live    go live first (host only)
  --loop    repeat the file until interrupted
  --stage   address of the stage itself, such as http://localhost:8444, instead of the door`;

/** Ends with the file or `signal`. Throws an Error for the person at the terminal. */
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
  const link = await takeLink(positionals[0], process.env, process.stdin);
  if (values.file === undefined) throw new Error("Give --file with a WAV or Ogg Opus file.");
  const packets = await readVoice(values.file, (sentence) => void process.stderr.write(`${sentence}\n`));
  const ticket = values.ticket ?? process.env["HUSTINGS_TICKET"] ?? (await hostTicketFor(link));
  const over = Promise.withResolvers<void>();
  const speaker = await connectSpeaker({
    whipUrl: new URL(ROUTES.stage(link.id), values.stage ?? link.origin).href,
    ticket,
    onClosed: (why) =>
      why === "closed" ? over.resolve() : over.reject(new Error(`The connection to the stage ended: ${why}.`)),
  });
  signal.addEventListener("abort", () => speaker.close(), { once: true });
  await startSpeaking(speaker, values.live === true);
  process.stdout.write(`On the stage, seat ${speaker.seat}. Speaking ${values.file}.\n`);
  const speaking = speakPackets(packets, (packet) => void speaker.sendPacket(packet), {
    loops: values.loop === true,
    done: () => speaker.close(),
  });
  await over.promise.finally(() => speaking.cancel());
}

/** Also takes the space live if `goesLive`. */
export async function startSpeaking(speaker: Speaker, goesLive: boolean): Promise<void> {
  if (goesLive) await speaker.command({ do: "live" });
  await speaker.command({ do: "mute", seat: speaker.seat, muted: false });
}

export async function hostTicketFor({ origin, id, secret }: SpaceLink): Promise<string> {
  if (secret === undefined) throw new Error("Give --ticket, or a host link (it contains #host=).");
  const { ticket } = await askDoor<{ ticket: string }>("POST", `${origin}${ROUTES.tickets(id)}`, { secret });
  return ticket;
}
