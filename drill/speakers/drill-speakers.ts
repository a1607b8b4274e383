// The stage of a drill: creates a space, seats a host and a moderator who speak from files, and times mutes.

import { fileURLToPath } from "node:url";
import { type Clock, repeat } from "@hustings/flow/clock.ts";
import { askDoor } from "@hustings/listener/headless/door-client.ts";
import { readSpaceLink } from "@hustings/listener/headless/space-link.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import type { Command } from "@hustings/wire/stage/commands.ts";
import { ReconnectingSpeaker } from "./reconnecting-speaker.ts";

export interface DrillSpeakers extends AsyncDisposable {
  readonly spaceId: SpaceId;
  readonly spaceUrl: string;
  /** Closes the connection without notice. The speaker reconnects after `forMs`. */
  disconnect(role: "host" | "moderator", forMs: number): void;
  readonly mutesMs: readonly number[];
  /** From the end of each ordered absence to sound on the stage. */
  readonly returnsMs: readonly number[];
  readonly unexpectedDisconnects: number;
  end(): Promise<void>;
}

export interface DrillSpeakersOptions {
  readonly doorUrl: string;
  /** The stage's own port, or the door. */
  readonly stageUrl: string;
  readonly title: string;
  readonly clock: Clock;
}

const VOICES = {
  host: fileURLToPath(new URL("../../media/voices/anna.opus", import.meta.url)),
  moderator: fileURLToPath(new URL("../../media/voices/ben.opus", import.meta.url)),
};
/** A mute makes two state entries for every listener: too rare to affect other measurements. */
const MUTE_EVERY_MS = 10_000;
const MAX_MEASURES = 10_000;

interface Guest {
  readonly ticket: string;
  readonly pass: string;
  readonly person: string;
}

export async function startSpeakers(options: DrillSpeakersOptions): Promise<DrillSpeakers> {
  const { doorUrl, stageUrl, clock, title } = options;
  const disposal = new AbortController();
  const created = await askDoor<{ hostUrl: string }>("POST", doorUrl + ROUTES.spaces, { title, name: "Hana Host" });
  const { id, secret } = readSpaceLink(created.hostUrl);
  const ticketFor = async (body: object) =>
    (await askDoor<{ ticket: string }>("POST", doorUrl + ROUTES.tickets(id), body)).ticket;
  const guest = await askDoor<Guest>("POST", doorUrl + ROUTES.guests(id), { name: "Mo Moderator" });
  const common = { whipUrl: stageUrl + ROUTES.stage(id), clock, signal: disposal.signal };
  const host = await ReconnectingSpeaker.open({
    ...common,
    voicePath: VOICES.host,
    ticket: () => ticketFor({ secret }),
    goesLive: true,
  });
  const guestCommand = (command: Command) => askDoor("POST", doorUrl + ROUTES.commands(id), command, guest.ticket);
  await guestCommand({ do: "hand", up: true });
  await host.command({ do: "invite", person: guest.person } as Command);
  await guestCommand({ do: "accept" });
  const moderator = await ReconnectingSpeaker.open({
    ...common,
    voicePath: VOICES.moderator,
    ticket: () => ticketFor({ pass: guest.pass }),
    goesLive: false,
  });
  const mutesMs: number[] = [];
  const muting = repeat(clock, MUTE_EVERY_MS, () => void muteOnce(host, moderator, clock, mutesMs));
  return {
    spaceId: id,
    spaceUrl: `${doorUrl}${ROUTES.page(id)}`,
    mutesMs,
    get returnsMs() {
      return [...host.returnsMs, ...moderator.returnsMs];
    },
    get unexpectedDisconnects() {
      return host.unexpectedDisconnects + moderator.unexpectedDisconnects;
    },
    disconnect(role, forMs) {
      (role === "host" ? host : moderator).disconnect(forMs);
    },
    async end() {
      await host.command({ do: "end" }).catch(() => 0);
    },
    async [Symbol.asyncDispose]() {
      muting.cancel();
      disposal.abort();
      await Promise.all([host.closed, moderator.closed]);
    },
  };
}

async function muteOnce(
  host: ReconnectingSpeaker,
  moderator: ReconnectingSpeaker,
  clock: Clock,
  mutesMs: number[],
): Promise<void> {
  const seat = moderator.seat;
  if (seat === undefined || !host.isConnected || !moderator.isConnected) return;
  const startMs = clock.monotonicMs();
  try {
    await host.command({ do: "mute", seat, muted: true });
    if (mutesMs.length < MAX_MEASURES) mutesMs.push(clock.monotonicMs() - startMs);
    await moderator.command({ do: "mute", seat, muted: false });
  } catch {
    // The connection was lost; ReconnectingSpeaker counts it.
  }
}
