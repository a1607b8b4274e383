// Owns a stage without networks, disks and real time, for tests: peers that are puppets, a clock that is moved by hand.
// Refuses to be used outside tests.

import { type ManualClock, manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { startTicker, type Ticker } from "@hustings/flow/ticker.ts";
import { loadOpus, type Opus } from "@hustings/media/codec/opus.ts";
import { writeRtp } from "@hustings/media/speech/rtp.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { type PersonId, personIdFrom, type SpaceId, spaceIdFrom } from "@hustings/wire/ids.ts";
import type { Command } from "@hustings/wire/stage/commands.ts";
import type { SpeakerMessage, StageMessage } from "@hustings/wire/stage/data-channel.ts";
import { PACKET_MS, PACKET_SAMPLES } from "@hustings/wire/units.ts";
import { createMemoryStore } from "../../log/memory/memory-log.ts";
import type { LogStore } from "../../log/port.ts";
import type { Logger } from "../../ops/logger.ts";
import type { Peer, PeerEvents, PeerPort } from "../peer/peer-port.ts";
import type { Actor } from "../policy/authority.ts";
import { openSpaces, type Spaces, type SpacesOptions } from "../spaces/held-spaces.ts";
import type { Space, SpaceSurroundings } from "../spaces/space.ts";

/** An offer that the puppets' port refuses. */
export const BAD_OFFER = "bad";

/** What the page of a speaker would be. */
export interface Puppet {
  readonly events: PeerEvents;
  /** Opus packets that came back, with their timestamps. */
  readonly heard: { readonly opus: Uint8Array; readonly timestamp: number }[];
  readonly told: StageMessage[];
  isClosed: boolean;
  /** Connects, opens the channel, and from then on speaks whatever `mouth` gives, each 20 ms. */
  connect(): void;
  /** The next 20 ms of Opus; undefined: nothing is sent. */
  mouth: (() => Uint8Array | undefined) | undefined;
  say(message: SpeakerMessage | string): void;
  /** The page dies: no more packets, nothing said. */
  die(): void;
  speak(nowMs: number): void;
}

export interface Puppets extends PeerPort {
  readonly all: Puppet[];
  readonly newest: Puppet;
}

export function createPuppets(): Puppets {
  const all: Puppet[] = [];
  return {
    udpPort: 0,
    all,
    get newest() {
      return all.at(-1) as Puppet;
    },
    get peerCount() {
      return all.filter(({ isClosed }) => !isClosed).length;
    },
    async accept(offerSdp, events) {
      if (offerSdp === BAD_OFFER) throw new Refusal("bad-sdp");
      const { puppet, peer } = createPuppet(events);
      all.push(puppet);
      return peer;
    },
    async [Symbol.asyncDispose]() {},
  };
}

function createPuppet(events: PeerEvents): { puppet: Puppet; peer: Peer } {
  let isUp = false;
  let sequence = 0;
  const puppet: Puppet = {
    events,
    heard: [],
    told: [],
    isClosed: false,
    mouth: undefined,
    connect() {
      isUp = true;
      events.onState("connected");
      events.onChannelOpen();
    },
    say: (message) => events.onMessage(typeof message === "string" ? message : JSON.stringify(message)),
    die() {
      isUp = false;
    },
    speak(nowMs) {
      const payload = isUp && !puppet.isClosed ? puppet.mouth?.() : undefined;
      sequence += 1;
      const timestamp = (sequence * PACKET_SAMPLES) >>> 0;
      if (payload) events.onPacket(writeRtp({ payloadType: 111, sequence, timestamp, ssrc: 7, payload }), nowMs);
    },
  };
  const peer: Peer = {
    answerSdp: "answer",
    opusPayloadType: 111,
    redPayloadType: 63,
    audioLevelExtensionId: undefined,
    takesSound: true,
    sendPacket(opus, timestamp) {
      if (isUp) puppet.heard.push({ opus, timestamp });
      return isUp;
    },
    send(text) {
      if (isUp) puppet.told.push(JSON.parse(text) as StageMessage);
      return isUp;
    },
    close() {
      puppet.isClosed = true;
      isUp = false;
    },
  };
  return { puppet, peer };
}

/** A tone of `hz` at −20 dBov, packet by packet. */
export function tone(opus: Opus, hz: number): () => Uint8Array {
  return voiceOf(opus, (sample) => 0.14 * Math.sin((2 * Math.PI * hz * sample) / 48_000));
}

/** Any sound, sample by sample, encoded as a speaker's page would. */
export function voiceOf(opus: Opus, soundAt: (sample: number) => number): () => Uint8Array {
  const encoder = opus.encoder({ bitrateBps: 32_000, inbandFec: true });
  let at = 0;
  return () => {
    const pcm = Float32Array.from({ length: PACKET_SAMPLES }, (_, index) => soundAt(at + index));
    at += PACKET_SAMPLES;
    return encoder.encode(pcm);
  };
}

/** Twelve bytes whose low five bits spell `number`. */
function bytesOf(number: number): Uint8Array {
  return Uint8Array.from({ length: 12 }, (_, at) => number >> (5 * at));
}

/** What a muted page sends. */
export function silence(opus: Opus): () => Uint8Array {
  return voiceOf(opus, () => 0);
}

export interface Rehearsal extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly opus: Opus;
  readonly store: LogStore;
  readonly puppets: Puppets;
  readonly notes: string[];
  readonly spaces: Spaces;
  readonly ticker: Ticker;
  /** A new space and its host. */
  open(title?: string): Promise<{ space: Space; host: Actor; id: SpaceId }>;
  guest(name?: string): Actor;
  /** Time passes in steps of 20 ms; every puppet that is connected speaks. */
  run(ms: number): Promise<void>;
  /** Time passes, and the stage does not get to do anything. */
  stall(ms: number): void;
  /** An actor comes by a new call; connected and speaking `mouth` at once. */
  join(space: Space, actor: Actor, mouth?: () => Uint8Array | undefined): Promise<Puppet & { callId: string }>;
  /** Raised hand, invitation, acceptance, call. */
  seat(
    space: Space,
    host: Actor,
    mouth?: () => Uint8Array | undefined,
    name?: string,
  ): Promise<{ guest: Actor; puppet: Puppet }>;
  /** The process dies and another takes its place, with the same logs. */
  restart(): Promise<void>;
}

export interface RehearsalOptions extends Partial<Pick<SpacesOptions, "maxSpaces" | "expiryMs">> {
  readonly store?: (clock: ManualClock) => LogStore;
  readonly surroundings?: Partial<SpaceSurroundings>;
}

export async function rehearse(options: RehearsalOptions = {}): Promise<Rehearsal> {
  const clock = manualClock();
  const opus = await loadOpus();
  const store = options.store?.(clock) ?? createMemoryStore();
  const puppets = createPuppets();
  const noted: string[] = [];
  const note = (fields: object, text: string) => void noted.push(`${text} ${JSON.stringify(fields)}`);
  const notes: Logger = { debug: note, info: note, warn: note, error: note };
  let count = 0;
  let calls = 0;
  const surroundings = {
    ...{ clock, opus, peers: puppets, notes, newCallId: () => `call${String(++calls).padStart(16, "0")}` },
    ...{ seatKeptMs: 60_000, silenceLimitMs: 12_000, isRecorded: true },
    ...options.surroundings,
  };
  const { maxSpaces = 10, expiryMs = 86_400_000 } = options;

  let isFrozen = false;
  let overdue: (() => void) | undefined;
  const beatClock = {
    ...clock,
    after: (delayMs: number, beat: () => void) =>
      clock.after(delayMs, () => {
        if (isFrozen) overdue = beat;
        else beat();
      }),
  };

  async function begin() {
    let spaces: Spaces | undefined;
    const ticker = startTicker(
      beatClock,
      PACKET_MS,
      (tick, nowMs) => spaces?.tick(tick, nowMs),
      (cause) => {
        throw cause;
      },
    );
    spaces = await openSpaces({ store, surroundings, maxSpaces, expiryMs, tickNumber: () => ticker.number });
    return { ticker, spaces };
  }
  let { ticker, spaces } = await begin();

  const newPerson = (): PersonId => personIdFrom(bytesOf(++count));

  async function run(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += PACKET_MS) {
      for (const puppet of puppets.all) puppet.speak(clock.monotonicMs());
      await clock.advanceAsync(PACKET_MS);
    }
  }

  async function join(space: Space, actor: Actor, mouth?: () => Uint8Array | undefined) {
    const { callId } = await space.offer(actor, "offer");
    const puppet = puppets.newest;
    puppet.mouth = mouth;
    puppet.connect();
    return Object.assign(puppet, { callId });
  }

  const guest = (name = "Gus"): Actor => ({ person: newPerson(), name, role: "guest", generation: 0 });

  return {
    clock,
    opus,
    store,
    puppets,
    notes: noted,
    get spaces() {
      return spaces;
    },
    get ticker() {
      return ticker;
    },
    async open(title = "Hustings") {
      const id = spaceIdFrom(bytesOf(++count));
      const person = newPerson();
      await spaces.create({ id, title, host: { person, name: "Hanna" }, secretHash: "h".repeat(43) });
      return { id, space: spaces.get(id), host: { person, name: "Hanna", role: "host", generation: 1 } };
    },
    guest,
    run,
    stall(ms) {
      isFrozen = true;
      clock.advance(ms);
      isFrozen = false;
      overdue?.();
    },
    join,
    async seat(space, host, mouth, name) {
      const seated = guest(name);
      const asks: [Actor, Command][] = [
        [seated, { do: "hand", up: true }],
        [host, { do: "invite", person: seated.person }],
        [seated, { do: "accept" }],
      ];
      for (const [actor, command] of asks) await space.execute(actor, command);
      return { guest: seated, puppet: await join(space, seated, mouth) };
    },
    async restart() {
      ticker[Symbol.dispose]();
      for (const puppet of puppets.all) puppet.die();
      ({ ticker, spaces } = await begin());
    },
    async [Symbol.asyncDispose]() {
      ticker[Symbol.dispose]();
      await spaces[Symbol.asyncDispose]();
    },
  };
}
