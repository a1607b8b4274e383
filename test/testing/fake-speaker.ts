// A speaker for tests: it sends a voice from a file over a real peer, and connects again after a loss, as the page does.

import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { decodeOgg } from "../../media/codec/decode-ogg.ts";
import { loadOpus, type OpusDecoder } from "../../media/codec/opus.ts";
import { parseRtp } from "../../media/speech/rtp.ts";
import { readVoice, speakPackets } from "../../speaker/node/voice-file.ts";
import { connectSpeaker, type Speaker } from "../../speaker/node/whip-client.ts";
import type { PersonId } from "../../wire/ids.ts";
import { EMPTY_STATE, foldAll, type SpaceState } from "../../wire/log/state.ts";
import { ROUTES } from "../../wire/routes.ts";
import type { Command } from "../../wire/stage/commands.ts";
import type { StageMessage } from "../../wire/stage/data-channel.ts";
import { joined } from "./decoded-sound.ts";
import type { CreatedSpace, RunningServer } from "./running-server.ts";
import { until } from "./until.ts";
import { type VoiceName, voice } from "./voices.ts";

export interface FakeSpeakerOptions {
  readonly ticket: string;
  readonly voice: VoiceName;
  /** Address for the offer; absent: the stage's own port. */
  readonly whipUrl?: string;
}

export interface FakeSpeaker extends Disposable {
  /** The newest connection. */
  readonly speaker: Speaker;
  /** Number of connections so far. */
  readonly connections: number;
  readonly isSeated: boolean;
  readonly state: SpaceState;
  /** Why its connections ended, oldest first. */
  readonly ends: readonly string[];
  /** The decoded sound that the stage has sent back. */
  heard(): Float32Array;
  /** Stops or resumes sending. */
  pauseSending(isPaused: boolean): void;
}

/** A connection that brings nothing from the stage for this long is replaced. */
const SILENCE_MAX_MS = 2_000;
const RETRY_MS = 200;
const CATCH_UP_MS = 50;

/** Takes a seat, muted, and sends the voice again and again. */
export async function startFakeSpeaker(
  server: RunningServer,
  space: CreatedSpace,
  options: FakeSpeakerOptions,
): Promise<FakeSpeaker> {
  const packets = await readVoice(voice(options.voice));
  const talker = new ReconnectingSpeaker(options.whipUrl ?? server.stageUrl + ROUTES.stage(space.id), options.ticket);
  await talker.connect();
  talker.speak(packets, (await loadOpus()).decoder());
  return talker;
}

class ReconnectingSpeaker implements FakeSpeaker {
  speaker!: Speaker;
  connections = 0;
  isSeated = false;
  state: SpaceState = EMPTY_STATE;
  readonly ends: string[] = [];
  readonly #whipUrl: string;
  readonly #ticket: string;
  readonly #returned: Uint8Array[] = [];
  #decoder: OpusDecoder | undefined;
  #heardMs = performance.now();
  #isPaused = false;
  #isOver = false;
  #stopSpeaking = (): void => {};

  constructor(whipUrl: string, ticket: string) {
    this.#whipUrl = whipUrl;
    this.#ticket = ticket;
  }

  async connect(): Promise<void> {
    const speaker = await connectSpeaker({
      whipUrl: this.#whipUrl,
      ticket: this.#ticket,
      onPacket: (rtp) => this.#hear(rtp),
      onDown: (message) => this.#receive(message),
      onClosed: (why) => this.#ended(why),
    });
    if (this.#isOver) return speaker.close();
    this.speaker = speaker;
    this.connections += 1;
    this.isSeated = true;
    this.#heardMs = performance.now();
  }

  speak(packets: readonly Uint8Array[], decoder: OpusDecoder): void {
    this.#decoder = decoder;
    const speaking = speakPackets(packets, (packet) => this.#send(packet), { loops: true });
    this.#stopSpeaking = () => speaking.cancel();
  }

  pauseSending(isPaused: boolean): void {
    this.#isPaused = isPaused;
  }

  heard(): Float32Array {
    return joined(this.#returned.map((packet) => (this.#decoder as OpusDecoder).decode(packet)));
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#stopSpeaking();
    this.speaker.close();
    this.#decoder?.[Symbol.dispose]();
  }

  #send(packet: Uint8Array): void {
    if (!this.#isPaused) this.speaker.sendPacket(packet);
    if (this.isSeated && this.#isSilent()) this.#closeIfSilent();
  }

  #isSilent(): boolean {
    return performance.now() - this.#heardMs > SILENCE_MAX_MS;
  }

  /** Closes a silent connection, but first takes what has come while this process stood still. */
  #closeIfSilent(): void {
    const { speaker } = this;
    setTimeout(() => void (speaker === this.speaker && this.#isSilent() && speaker.close()), CATCH_UP_MS);
  }

  #hear(rtp: Uint8Array): void {
    this.#heardMs = performance.now();
    const packet = parseRtp(rtp);
    if ("payload" in packet && packet.payload.length > 0) this.#returned.push(packet.payload.slice());
  }

  #receive(message: StageMessage): void {
    this.#heardMs = performance.now();
    if (message.kind === "snapshot") this.state = message.state;
    if (message.kind === "state") this.state = foldAll(message.entries, this.state);
  }

  #ended(why: string): void {
    this.ends.push(why);
    if (!this.isSeated) return;
    this.isSeated = false;
    if (!this.#isOver && !/^(?:replaced|left|removed|ended)$/.test(why)) void this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    while (!this.#isOver && !this.isSeated) {
      await pause(RETRY_MS);
      await this.connect().catch((cause: unknown) => void this.ends.push(`could not reconnect: ${String(cause)}`));
    }
  }
}

export interface LiveSpace extends Disposable {
  readonly space: CreatedSpace;
  readonly host: FakeSpeaker;
}

/** Creates a space, whose host goes live and speaks with Anna's voice. */
export async function startLiveSpace(server: RunningServer, title: string): Promise<LiveSpace> {
  const space = await server.create(title);
  const host = await startFakeSpeaker(server, space, { ticket: space.hostTicket, voice: "anna" });
  await host.speaker.command({ do: "live" });
  await host.speaker.command({ do: "mute", seat: host.speaker.seat, muted: false });
  return { space, host, [Symbol.dispose]: () => host[Symbol.dispose]() };
}

export interface Guest {
  readonly ticket: string;
  readonly person: PersonId;
}

/** A guest with a name and a ticket. */
export async function newGuest(server: RunningServer, space: CreatedSpace, name: string): Promise<Guest> {
  const response = await post(server.doorUrl + ROUTES.guests(space.id), { name });
  return (await response.json()) as Guest;
}

/** A guest raises a hand, the host invites them, and they speak. */
export async function inviteFakeSpeaker(
  server: RunningServer,
  { space, host }: LiveSpace,
  name: string,
  voiceName: VoiceName,
): Promise<FakeSpeaker> {
  const { ticket, person } = await newGuest(server, space, name);
  await command(server, space, ticket, { do: "hand", up: true });
  await until("the hand to be seen", () => host.state.hands.some((hand) => hand.person === person));
  await host.speaker.command({ do: "invite", person });
  const talker = await startFakeSpeaker(server, space, { ticket, voice: voiceName });
  await talker.speaker.command({ do: "mute", seat: talker.speaker.seat, muted: false });
  return talker;
}

/** Sends a command to the public door. Throws any answer other than 200. */
export async function command(
  server: RunningServer,
  space: CreatedSpace,
  ticket: string,
  what: Command,
): Promise<void> {
  const response = await post(server.doorUrl + ROUTES.commands(space.id), what, ticket);
  if (response.status !== 200) throw new Error(`${what.do}: ${response.status} ${await response.text()}`);
}

/** Ends the space as its host. Throws any answer other than 200. */
export async function end(server: RunningServer, { id, hostTicket }: CreatedSpace): Promise<void> {
  const response = await post(server.doorUrl + ROUTES.end(id), {}, hostTicket);
  if (response.status !== 200) throw new Error(`end: ${response.status} ${await response.text()}`);
}

export function post(url: string, body: unknown, ticket?: string): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(ticket === undefined ? {} : { authorization: `Bearer ${ticket}` }),
    },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

/** The decoded voice, 48 kHz mono. */
export async function spoken(name: VoiceName): Promise<Float32Array> {
  return decodeOgg(await loadOpus(), await readFile(voice(name)));
}
