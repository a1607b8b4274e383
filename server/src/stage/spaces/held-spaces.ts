// The spaces that a stage holds: creates, resumes and finds them, and removes ended and expired ones.

import { Refusal } from "@hustings/wire/errors.ts";
import type { PersonId, SpaceId } from "@hustings/wire/ids.ts";
import { detailsOf, type SpaceDetails } from "@hustings/wire/log/detail-values.ts";
import type { SpaceState } from "@hustings/wire/log/state.ts";
import type { Command } from "@hustings/wire/stage/commands.ts";
import { type LogReader, type LogStore, SpaceExists, type SpaceLog } from "../../log/port.ts";
import { type Actor, decide } from "../policy/authority.ts";
import type { EndedSpace } from "../policy/retention.ts";
import { createEndedSpaces } from "./ended-spaces.ts";
import { type CommandResult, Space, type SpaceDependencies } from "./space.ts";

export interface NewSpace extends SpaceDetails {
  readonly id: SpaceId;
  readonly host: { readonly person: PersonId; readonly name: string };
  readonly secretHash: string;
}

export interface FoundSpace {
  readonly id: SpaceId;
  readonly state: SpaceState;
  readonly audience: number;
  readonly headSlot: number | undefined;
}

export interface SpacesOptions {
  readonly store: LogStore;
  readonly dependencies: Omit<SpaceDependencies, "onEnded">;
  readonly tickNumber: () => number;
  readonly maxSpaces: number;
  /** A space that is not live and has nobody on stage is removed after this time. */
  readonly expiryMs: number;
  /** Time that was seen to pass, for what cannot be undone (ops/seen-time.ts). Default: the clock's UTC. */
  readonly seenUtcMs?: () => number;
  /** Called now and then while the store is read. */
  readonly onProgress?: (readCount: number) => void;
}

export interface Spaces extends AsyncDisposable {
  readonly count: number;
  /** Throws `no-space`, `ended`. */
  get(id: SpaceId): Space;
  /** An ended space answers a second "end" as the first, and refuses other commands. */
  execute(id: SpaceId, actor: Actor, command: Command, address?: string): Promise<CommandResult>;
  /** Reads the store for ended spaces. Throws `no-space`. */
  find(id: SpaceId): Promise<FoundSpace>;
  /** Whether the person of `actor` is the host, invited or seated in a space that has not ended. */
  expects(id: SpaceId, actor: Actor): boolean;
  /** Those that have not ended: live ones first, then the newest; at most `MAX_LISTED`. */
  list(): readonly FoundSpace[];
  /** As `list`, and then the spaces that ended last. */
  listAll(): Promise<readonly FoundSpace[]>;
  /** Reads ended spaces too; undefined: unknown. */
  reader(id: SpaceId): Promise<LogReader | undefined>;
  /** Resolves once on disk. Throws `conflict`, `too-many-spaces`, `cannot-store`. */
  create(space: NewSpace): Promise<void>;
  /** Ignored for ended or unknown spaces. */
  setAudience(id: SpaceId, audience: number): void;
  tick(tick: number, nowMs: number): void;
  expire(): Promise<void>;
  /** Every space that has ended, with the room that it takes. */
  ended(): Promise<readonly EndedSpace[]>;
  /** Deletes a space that is not live, with its recording. Throws `no-space`, and `conflict` when it is live. */
  remove(id: SpaceId): Promise<void>;
}

export const MAX_LISTED = 1_000;
const EXPIRED = "a space that never went live has expired and was deleted";

/** Opens all that have not ended. A log that cannot be opened is logged and skipped. */
export async function openSpaces(options: SpacesOptions): Promise<Spaces> {
  const { store, dependencies, tickNumber, maxSpaces, expiryMs, onProgress } = options;
  const { clock, logger } = dependencies;
  const seenUtcMs = options.seenUtcMs ?? (() => clock.utcMs());
  const held = new Map<SpaceId, Space>();
  const listed = await store.list(onProgress);
  const ended = createEndedSpaces({ store, times: listed.ended, logger, resume: restore });
  const spaceDependencies: SpaceDependencies = { ...dependencies, onEnded };
  let creatingCount = 0;
  let newestTick: number | undefined;

  function onEnded(id: SpaceId): void {
    const space = held.get(id);
    if (space === undefined) return;
    held.delete(id);
    ended.add(id, space.state.endedUtcMs ?? clock.utcMs(), space.log);
    space[Symbol.asyncDispose]().catch((cause: unknown) =>
      logger.error({ space: id, err: cause }, "a space that ended could not be closed"),
    );
    logger.info({ space: id }, "the space has ended");
  }

  function holdSpace(log: SpaceLog): Space {
    const space = new Space(log, tickNumber() + 1, spaceDependencies);
    held.set(space.id, space);
    return space;
  }

  const isExpired = ({ phase, originUtcMs, seats }: SpaceState): boolean =>
    phase === "created" && seenUtcMs() - originUtcMs > expiryMs && !seats.some(({ present }) => present);

  async function restore(id: SpaceId, state: SpaceState): Promise<void> {
    if (isExpired(state)) {
      await store.remove(id);
      logger.info({ space: id }, EXPIRED);
    } else {
      const log = await store.open(id);
      if (log !== undefined) await holdSpace(log).settled();
    }
  }

  async function create({ id, host, secretHash, ...rest }: NewSpace): Promise<void> {
    if (held.has(id) || ended.has(id)) throw new Refusal("conflict", `The space ${id} already exists.`);
    if (held.size + creatingCount >= maxSpaces) throw new Refusal("too-many-spaces");
    creatingCount += 1;
    try {
      const utcMs = clock.utcMs();
      const log = await store.create(id);
      await log.appendBackstage(0, utcMs, { kind: "host-secret", secretHash, generation: 1 });
      const { person, name } = host;
      const created = {
        kind: "created",
        id,
        host: person,
        hostName: name,
        originUtcMs: utcMs,
        ...detailsOf(rest),
      } as const;
      await log.appendState(0, utcMs, created);
      await holdSpace(log).settled();
    } catch (cause) {
      if (cause instanceof SpaceExists) throw new Refusal("conflict", cause.message, { cause });
      await store.remove(id).catch(() => undefined);
      throw new Refusal("cannot-store", undefined, { cause });
    } finally {
      creatingCount -= 1;
    }
  }

  async function expire(): Promise<void> {
    for (const [id, space] of [...held]) {
      if (!isExpired(space.state)) continue;
      held.delete(id);
      await space[Symbol.asyncDispose]();
      await store.remove(id);
      logger.info({ space: id }, EXPIRED);
    }
  }

  async function remove(id: SpaceId): Promise<void> {
    const space = held.get(id);
    if (space === undefined && !ended.has(id)) throw new Refusal("no-space");
    if (space?.state.phase === "live") throw new Refusal("conflict", "The space is live: end it first.");
    held.delete(id);
    await space?.[Symbol.asyncDispose]();
    await ended.remove(id);
    await store.remove(id);
    logger.info({ space: id }, "the space was deleted");
  }

  for (const { id, state } of listed.open) {
    await restore(id, state).catch((cause: unknown) =>
      logger.error({ space: id, err: cause }, "a space could not be resumed"),
    );
  }

  const found = (space: Space): FoundSpace => {
    const { id, state, audience, headSlot } = space;
    return { id, state, audience, headSlot };
  };

  const past = (id: SpaceId, state: SpaceState): FoundSpace => ({ id, state, audience: 0, headSlot: undefined });

  const list = () => [...held.values()].map(found).sort(liveThenNewest).slice(0, MAX_LISTED);

  function get(id: SpaceId): Space {
    const space = held.get(id);
    if (space === undefined) throw new Refusal(ended.has(id) ? "ended" : "no-space");
    return space;
  }

  return {
    get count() {
      return held.size;
    },
    get,
    async execute(id, actor, command, address) {
      const state = ended.has(id) ? await ended.stateOf(id) : undefined;
      if (state === undefined) return get(id).execute(actor, command, address);
      decide(state, { barred: new Map() }, actor, command);
      return { seq: state.seq };
    },
    async find(id) {
      const state = ended.has(id) ? await ended.stateOf(id) : undefined;
      if (state !== undefined) return past(id, state);
      const space = held.get(id);
      if (space === undefined) throw new Refusal("no-space");
      return found(space);
    },
    expects: (id, actor) => held.get(id)?.expects(actor) ?? false,
    list,
    async listAll() {
      const open = list();
      const states = await ended.newest(MAX_LISTED - open.length);
      return [...open, ...states.map(({ id, state }) => past(id, state))];
    },
    reader: async (id) => (await ended.reader(id)) ?? held.get(id)?.log,
    create,
    setAudience(id, audience) {
      const space = held.get(id);
      if (space !== undefined) space.audience = audience;
    },
    tick(tick, nowMs) {
      const missedTicks = newestTick === undefined ? 0 : tick - newestTick - 1;
      newestTick = tick;
      if (missedTicks > 0) logger.warn({ missedTicks, spaces: held.size }, "the stage missed ticks");
      for (const space of held.values()) space.tick(tick, nowMs);
    },
    expire,
    ended: ended.sizes,
    remove,
    async [Symbol.asyncDispose]() {
      const spaces = [...held.values()];
      held.clear();
      for (const space of spaces) await space[Symbol.asyncDispose]();
      for (const { log } of spaces) await log[Symbol.asyncDispose]();
      await ended[Symbol.asyncDispose]();
    },
  };
}

function liveThenNewest(a: FoundSpace, b: FoundSpace): number {
  const live = Number(b.state.phase === "live") - Number(a.state.phase === "live");
  return live || b.state.originUtcMs - a.state.originUtcMs;
}
