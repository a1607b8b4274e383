// Runs the spaces of a stage without network, disk or real time, for tests: fake speakers, a memory log, a manual clock.

import { type ManualClock, manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { startTicker, type Ticker } from "@hustings/flow/ticker.ts";
import { loadOpus, type Opus } from "@hustings/media/codec/opus.ts";
import { guestIdFrom, type PersonId, type SpaceId, spaceIdFrom } from "@hustings/wire/ids.ts";
import type { Command } from "@hustings/wire/stage/commands.ts";
import { PACKET_MS } from "@hustings/wire/units.ts";
import { createMemoryStore } from "../../log/memory/memory-log.ts";
import type { LogStore } from "../../log/port.ts";
import type { Logger } from "../../ops/logger.ts";
import { createCommandLimits } from "../limits/command-limits.ts";
import type { Actor } from "../policy/authority.ts";
import { openSpaces, type Spaces, type SpacesOptions } from "../spaces/held-spaces.ts";
import type { Space, SpaceDependencies } from "../spaces/space.ts";
import type { StageLimits } from "../stage.ts";
import { createFakePeerPort, type FakePeerPort, type FakeSpeaker } from "./fake-peers.ts";

/** The limits of a stage in tests. */
export const STAGE_LIMITS: StageLimits = {
  maxSpaces: 10,
  expiryMs: 86_400_000,
  seatKeptMs: 60_000,
  silenceLimitMs: 12_000,
  emptyStageMs: 3_600_000,
  retention: {},
};

export interface StageFixture extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly opus: Opus;
  readonly store: LogStore;
  readonly peers: FakePeerPort;
  /** Log lines of the spaces: the message, then its fields as JSON. */
  readonly logLines: string[];
  readonly spaces: Spaces;
  readonly ticker: Ticker;
  createSpace(title?: string): Promise<{ space: Space; host: Actor; id: SpaceId }>;
  newGuest(name?: string): Actor;
  /** Lets time pass in steps of 20 ms; every connected speaker sends its packets. */
  run(ms: number): Promise<void>;
  /** Lets time pass without a tick of the stage. */
  stall(ms: number): void;
  /** Makes a call of `actor`, which is connected and sends `microphone` at once. */
  join(space: Space, actor: Actor, microphone?: FakeSpeaker["microphone"]): Promise<FakeSpeaker & { callId: string }>;
  /** Raises a guest's hand, invites the guest, accepts, and joins. */
  seatGuest(
    space: Space,
    host: Actor,
    microphone?: FakeSpeaker["microphone"],
    name?: string,
  ): Promise<{ guest: Actor; speaker: FakeSpeaker }>;
  /** Kills the stage and starts another on the same logs. */
  restart(): Promise<void>;
}

export interface StageFixtureOptions extends Partial<Pick<SpacesOptions, "maxSpaces" | "expiryMs">> {
  /** Makes `SpacesOptions.seenUtcMs`. */
  readonly seen?: (clock: ManualClock) => () => number;
  readonly store?: (clock: ManualClock) => LogStore;
  readonly dependencies?: Partial<SpaceDependencies>;
}

export async function startStageFixture(options: StageFixtureOptions = {}): Promise<StageFixture> {
  const clock = manualClock();
  const opus = await loadOpus();
  const store = options.store?.(clock) ?? createMemoryStore();
  const peers = createFakePeerPort();
  const logLines: string[] = [];
  const write = (fields: object, message: string) => void logLines.push(`${message} ${JSON.stringify(fields)}`);
  const logger: Logger = { debug: write, info: write, warn: write, error: write };
  let idCount = 0;
  let callCount = 0;
  const dependencies = {
    ...{ clock, opus, peers, logger, newCallId: () => `call${String(++callCount).padStart(16, "0")}` },
    ...{ ...STAGE_LIMITS, isRecorded: true, canMixMore: () => true, commandLimits: createCommandLimits(clock) },
    ...options.dependencies,
  };
  const { maxSpaces, expiryMs } = { ...STAGE_LIMITS, ...options };
  const seen = options.seen === undefined ? {} : { seenUtcMs: options.seen(clock) };
  const pausable = pausableClock(clock);

  async function start() {
    let spaces: Spaces | undefined;
    const ticker = startTicker(
      pausable.clock,
      PACKET_MS,
      (tick, nowMs) => spaces?.tick(tick, nowMs),
      (cause) => {
        throw cause;
      },
    );
    const tickNumber = () => ticker.number;
    spaces = await openSpaces({ store, dependencies, maxSpaces, expiryMs, tickNumber, ...seen });
    return { ticker, spaces };
  }
  let { ticker, spaces } = await start();

  const newPerson = (): PersonId => guestIdFrom(bytesOf(++idCount));
  const newGuest = (name = "Gus"): Actor => ({ person: newPerson(), name, generation: 0 });

  async function join(space: Space, actor: Actor, microphone?: FakeSpeaker["microphone"]) {
    const { callId } = await space.offer(actor, "offer");
    const speaker = peers.newest;
    speaker.microphone = microphone;
    speaker.connect();
    return Object.assign(speaker, { callId });
  }

  return {
    clock,
    opus,
    store,
    peers,
    logLines,
    get spaces() {
      return spaces;
    },
    get ticker() {
      return ticker;
    },
    async createSpace(title = "Hustings") {
      const id = spaceIdFrom(bytesOf(++idCount));
      const person = newPerson();
      await spaces.create({ id, title, host: { person, name: "Hanna" }, secretHash: "h".repeat(43) });
      return { id, space: spaces.get(id), host: { person, name: "Hanna", generation: 1 } };
    },
    newGuest,
    async run(ms) {
      for (let passedMs = 0; passedMs < ms; passedMs += PACKET_MS) {
        for (const speaker of peers.speakers) speaker.sendPacket(clock.monotonicMs());
        await clock.advanceAsync(PACKET_MS);
      }
    },
    stall(ms) {
      pausable.pause();
      clock.advance(ms);
      pausable.resume();
    },
    join,
    async seatGuest(space, host, microphone, name) {
      const guest = newGuest(name);
      const steps: [Actor, Command][] = [
        [guest, { do: "hand", up: true }],
        [host, { do: "invite", person: guest.person }],
        [guest, { do: "accept" }],
      ];
      for (const [actor, command] of steps) await space.execute(actor, command);
      return { guest, speaker: await join(space, guest, microphone) };
    },
    async restart() {
      ticker[Symbol.dispose]();
      for (const speaker of peers.speakers) speaker.crash();
      ({ ticker, spaces } = await start());
    },
    async [Symbol.asyncDispose]() {
      ticker[Symbol.dispose]();
      await spaces[Symbol.asyncDispose]();
    },
  };
}

/** The manual clock, with timers that a pause holds back: the last of them runs when the pause ends. */
function pausableClock(clock: ManualClock) {
  let isPaused = false;
  let overdue: (() => void) | undefined;
  return {
    clock: {
      ...clock,
      after: (delayMs: number, run: () => void) =>
        clock.after(delayMs, () => {
          if (isPaused) overdue = run;
          else run();
        }),
    },
    pause() {
      isPaused = true;
    },
    resume() {
      isPaused = false;
      overdue?.();
    },
  };
}

/** Twelve bytes whose low five bits spell `number`. */
function bytesOf(number: number): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, at) => number >> (5 * at));
}
