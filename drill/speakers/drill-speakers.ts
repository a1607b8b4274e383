// Owns who speaks during a drill: a host and a moderator with voices from files, who can be made to drop and who come back
// by themselves, and how long a mute takes. Refuses to know the audience.

import { fileURLToPath } from "node:url";
import { type Clock, repeat, sleep, type Timer } from "@hustings/flow/clock.ts";
import { type RetryPolicy, retryDelayMs } from "@hustings/flow/retry.ts";
import { askDoor } from "@hustings/listener/headless/door-client.ts";
import { readSpaceLink } from "@hustings/listener/headless/space-link.ts";
import { readVoice, speakPackets } from "@hustings/speaker/node/voice-file.ts";
import { connectSpeaker, type Speaker } from "@hustings/speaker/node/whip-client.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import type { Command } from "@hustings/wire/stage/commands.ts";

export interface DrillSpeakers extends AsyncDisposable {
  readonly spaceId: SpaceId;
  readonly spaceUrl: string;
  /** Gone without a word, and back after so long. */
  disconnect(who: "host" | "moderator", forMs: number): void;
  /** How long the stage took to store each mute, and from a drop's end to sound on the stage again, in milliseconds. */
  readonly mutesMs: readonly number[];
  readonly returnsMs: readonly number[];
  /** Times that somebody was thrown out or did not find back. */
  readonly unexpectedDisconnects: number;
  /** The space ends for everybody. */
  end(): Promise<void>;
}

export interface DrillSpeakersOptions {
  readonly doorUrl: string;
  /** Where the stage itself answers, where that is known; else the door. */
  readonly stageUrl?: string;
  readonly title: string;
  readonly clock: Clock;
}

const VOICES = {
  host: fileURLToPath(new URL("../../media/voices/anna.opus", import.meta.url)),
  moderator: fileURLToPath(new URL("../../media/voices/ben.opus", import.meta.url)),
};
const RECONNECT: RetryPolicy = { firstMs: 250, capMs: 2_000, tries: Infinity };
/** Two state entries each, which every listener is sent: seldom, so that they are not what is measured. */
const MUTE_MS = 10_000;
const MAX_MEASURES = 10_000;
/** A stage that is there sends something fifty times a second: after so long without, it is not, and WebRTC says so late. */
const SILENCE_TIMEOUT_MS = 1_500;
const WATCH_MS = 250;

interface Guest {
  readonly ticket: string;
  readonly pass: string;
  readonly person: string;
}

/** Makes a space, goes live and speaks in it until disposed of. */
export async function startSpeakers(options: DrillSpeakersOptions): Promise<DrillSpeakers> {
  const { doorUrl, clock, title } = options;
  const stageUrl = options.stageUrl ?? doorUrl;
  const over = new AbortController();
  const made = await askDoor<{ hostUrl: string; url: string }>("POST", doorUrl + ROUTES.spaces, {
    title,
    name: "Hana Host",
  });
  const { id, secret } = readSpaceLink(made.hostUrl);
  const hostTicket = async () =>
    (await askDoor<{ ticket: string }>("POST", doorUrl + ROUTES.tickets(id), { secret })).ticket;
  const guest = await askDoor<Guest>("POST", doorUrl + ROUTES.guests(id), { name: "Mo Moderator" });
  const guestTicket = async () =>
    (await askDoor<Guest>("POST", doorUrl + ROUTES.tickets(id), { pass: guest.pass })).ticket;
  const whipUrl = stageUrl + ROUTES.stage(id);
  const common = { whipUrl, clock, signal: over.signal };
  const host = await ReconnectingSpeaker.open({
    ...common,
    voicePath: VOICES.host,
    ticket: hostTicket,
    goesLive: true,
  });
  const command = (said: Command, ticket: string) => askDoor("POST", doorUrl + ROUTES.commands(id), said, ticket);
  await command({ do: "hand", up: true }, guest.ticket);
  await host.command({ do: "invite", person: guest.person } as Command);
  await command({ do: "accept" }, guest.ticket);
  const moderator = await ReconnectingSpeaker.open({
    ...common,
    voicePath: VOICES.moderator,
    ticket: guestTicket,
    goesLive: false,
  });
  const mutesMs: number[] = [];
  const muting = repeat(clock, MUTE_MS, () => void muteOnce(host, moderator, clock, mutesMs));
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
    disconnect(who, forMs) {
      (who === "host" ? host : moderator).disconnect(forMs);
    },
    async end() {
      await host.command({ do: "end" }).catch(() => 0);
    },
    async [Symbol.asyncDispose]() {
      muting.cancel();
      over.abort();
      await Promise.all([host.left, moderator.left]);
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
  if (seat === undefined || !host.isThere || !moderator.isThere) return;
  const startMs = clock.monotonicMs();
  try {
    await host.command({ do: "mute", seat, muted: true });
    if (mutesMs.length < MAX_MEASURES) mutesMs.push(clock.monotonicMs() - startMs);
    await moderator.command({ do: "mute", seat, muted: false });
  } catch {
    // The way broke meanwhile, which is counted where it is noticed.
  }
}

interface PresenceOptions {
  readonly whipUrl: string;
  readonly voicePath: string;
  readonly ticket: () => Promise<string>;
  readonly goesLive: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Somebody on the stage, who is there again after every loss. */
class ReconnectingSpeaker {
  readonly returnsMs: number[] = [];
  unexpectedDisconnects = 0;
  /** Resolves when they have left for good. */
  left: Promise<void> = Promise.resolve();
  readonly #options: PresenceOptions;
  readonly #packets: readonly Uint8Array[];
  #speaker: Speaker | undefined;
  #awayUntilMs = 0;
  #wasThere = false;

  private constructor(options: PresenceOptions, packets: readonly Uint8Array[]) {
    this.#options = options;
    this.#packets = packets;
  }

  static async open(options: PresenceOptions): Promise<ReconnectingSpeaker> {
    const presence = new ReconnectingSpeaker(options, await readVoice(options.voicePath));
    const first = Promise.withResolvers<void>();
    presence.left = presence.#stay(first.resolve);
    await Promise.race([first.promise, sleep(options.clock, 20_000)]);
    if (!presence.isThere) throw new Error("The stage does not take the drill's speakers.");
    return presence;
  }

  get isThere(): boolean {
    return this.#speaker !== undefined;
  }

  get seat(): number | undefined {
    return this.#speaker?.seat;
  }

  command(said: Command): Promise<number> {
    return this.#speaker?.command(said) ?? Promise.reject(new Error("Nobody is there to say it."));
  }

  disconnect(forMs: number): void {
    this.#awayUntilMs = this.#options.clock.monotonicMs() + forMs;
    this.#speaker?.close();
  }

  async #stay(opened: () => void): Promise<void> {
    const { clock, signal } = this.#options;
    let attempt = 0;
    let dueMs = clock.monotonicMs();
    while (!signal.aborted) {
      const lasted = await this.#once(opened, dueMs).catch(() => false);
      attempt = lasted ? 0 : attempt + 1;
      const nowMs = clock.monotonicMs();
      if (lasted && !signal.aborted && this.#awayUntilMs < nowMs) this.unexpectedDisconnects++;
      if (lasted) dueMs = Math.max(nowMs, this.#awayUntilMs);
      const waitMs = Math.max(
        this.#awayUntilMs - nowMs,
        lasted ? 0 : (retryDelayMs(RECONNECT, attempt, Math.random) as number),
      );
      await sleep(clock, waitMs, signal).catch(() => undefined);
    }
  }

  /** On the stage until the way is over; whether it was open at all. */
  async #once(opened: () => void, dueMs: number): Promise<boolean> {
    const { whipUrl, ticket, goesLive, clock, signal } = this.#options;
    const over = Promise.withResolvers<void>();
    let heardMs = clock.monotonicMs();
    const hear = (): void => {
      heardMs = clock.monotonicMs();
    };
    const speaker = await connectSpeaker({
      whipUrl,
      ticket: await ticket(),
      onPacket: hear,
      onDown: hear,
      onClosed: () => over.resolve(),
    });
    const close = (): void => speaker.close();
    const watch = repeat(clock, WATCH_MS, () => {
      if (clock.monotonicMs() - heardMs >= SILENCE_TIMEOUT_MS) close();
    });
    signal.addEventListener("abort", close, { once: true });
    let speaking: Timer | undefined;
    try {
      if (goesLive) await speaker.command({ do: "live" });
      await speaker.command({ do: "mute", seat: speaker.seat, muted: false });
      speaking = speakPackets(this.#packets, (packet) => void speaker.sendPacket(packet), { loops: true });
      this.#speaker = speaker;
      if (this.#wasThere) this.returnsMs.push(clock.monotonicMs() - dueMs);
      this.#wasThere = true;
      opened();
      if (!signal.aborted) await over.promise;
      return true;
    } finally {
      this.#speaker = undefined;
      watch.cancel();
      speaking?.cancel();
      speaker.close();
      signal.removeEventListener("abort", close);
    }
  }
}
