// A log's records in memory, and its followers, which see a record at once. Both adapters use it.

import { peekFragment } from "@hustings/wire/log/fragment.ts";
import type { BackstageEntry, Cursor, Heads, LogRecord, MomentEntry } from "@hustings/wire/log/lanes.ts";
import type { SpaceState, StateEntry } from "@hustings/wire/log/state.ts";
import { KEPT_SLOTS, perRendition, RENDITIONS, type Rendition } from "@hustings/wire/units.ts";
import { createBackstageFold } from "./backstage-fold.ts";
import { createFragmentRing } from "./fragment-ring.ts";
import { createMomentWindow } from "./moment-window.ts";
import { FollowerTooSlow, type FragmentSize, MAX_RANGE_SLOTS } from "./port.ts";
import { createRecentEntries } from "./recent-entries.ts";

type SoundRecord = LogRecord & { lane: "sound" };
type StateRecord = LogRecord & { lane: "state" };

/** 100 s of two renditions. A follower farther behind in sound or moments is disconnected; in state it gets a snapshot. */
export const HELD_RECORDS = 1024;

/** A record of sound or a moment, and the entry up to which followers get the state lane before it. */
interface HeldRecord {
  readonly record: LogRecord;
  readonly stateSeq: number;
}

export interface RecentOptions {
  readonly keptSlots?: number;
  readonly heldRecords?: number;
}

export interface RecentRecords {
  heads(): Heads;
  state(): SpaceState;
  openFollowers(): Followers;
  /** The kept fragments of `[from, to)`, ascending. */
  range(rendition: Rendition, from: number, to: number): readonly Uint8Array[];
  /** The kept fragments from `from`, ascending. */
  sizes(rendition: Rendition, from: number): readonly FragmentSize[];
  /** Oldest slot in memory; 0 before the first. */
  oldestSlot(rendition: Rendition): number;
  /** The entries that still count (backstage-fold.ts). */
  backstage(): readonly BackstageEntry[];
  /** Throws RangeError unless `slot` is above the head. */
  addSound(rendition: Rendition, slot: number, bytes: Uint8Array): void;
  addState(entry: StateEntry): void;
  /** Begins with the state of a compacted lane, without the entries that led to it. */
  addSnapshot(state: SpaceState): void;
  addBackstage(entry: BackstageEntry): void;
  addMoment(entry: MomentEntry): void;
}

export interface Followers {
  follow(cursor: Cursor, signal: AbortSignal, renditions?: readonly Rendition[]): AsyncIterable<LogRecord>;
  close(): void;
}

export function createRecentRecords({
  keptSlots = KEPT_SLOTS,
  heldRecords = HELD_RECORDS,
}: RecentOptions = {}): RecentRecords {
  const sound = perRendition(() => createFragmentRing(keptSlots));
  const entries = createRecentEntries();
  const backstage = createBackstageFold();
  const moments = createMomentWindow();
  const held: HeldRecord[] = [];
  const wakes = new Set<() => void>();
  const recordOf = sharedStateRecords();
  let publishedCount = 0;

  function publish(record: LogRecord): void {
    held[publishedCount % heldRecords] = { record, stateSeq: entries.state.seq };
    publishedCount++;
    wakeAll();
  }

  function wakeAll(): void {
    for (const wake of wakes) wake();
  }

  function openFollowers(): Followers {
    let isClosed = false;
    return {
      follow: (cursor, signal, renditions) => follow(cursor, wantedBy(cursor, renditions), signal, () => isClosed),
      close() {
        isClosed = true;
        wakeAll();
      },
    };
  }

  async function* follow(
    cursor: Cursor,
    isWanted: (record: LogRecord) => boolean,
    signal: AbortSignal,
    isClosed: () => boolean,
  ): AsyncGenerator<LogRecord> {
    let at = publishedCount;
    let seq = Math.max(cursor.stateSeq, entries.state.seq);
    for (const record of kept(cursor.stateSeq, isWanted)) {
      if (signal.aborted) return;
      yield record;
    }
    while (!signal.aborted) {
      if (publishedCount - at > heldRecords)
        throw new FollowerTooSlow(`The follower fell ${publishedCount - at} records behind.`);
      const next = at < publishedCount ? (held[at % heldRecords] as HeldRecord) : undefined;
      if (next !== undefined && next.stateSeq <= seq) {
        at++;
        if (isWanted(next.record)) yield next.record;
      } else if (entries.state.seq > seq) {
        const record = recordOf(entries.next(seq) ?? entries.state);
        seq = record.lane === "state" ? record.entry.seq : record.state.seq;
        yield record;
      } else if (isClosed()) return;
      else await nextWake(signal);
    }
  }

  function kept(stateSeq: number, isWanted: (record: LogRecord) => boolean): LogRecord[] {
    const sounds = allSound().filter(isWanted);
    const missed = entries.after(stateSeq);
    const first =
      missed === undefined
        ? [recordOf(entries.state), ...sounds]
        : inLogOrder(missed.map(recordOf) as StateRecord[], sounds);
    const recentMoments = moments.entries().map((entry): LogRecord => ({ lane: "moments", entry }));
    return [...first, ...recentMoments.filter(isWanted)];
  }

  function nextWake(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        wakes.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      wakes.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }

  function allSound(): SoundRecord[] {
    return RENDITIONS.flatMap((rendition) =>
      sound[rendition].between(0, Infinity).map((one): SoundRecord => ({ lane: "sound", rendition, ...one })),
    ).sort((a, b) => a.slot - b.slot);
  }

  return {
    heads: () => ({
      slot: Object.fromEntries(
        RENDITIONS.map((rendition) => [rendition, sound[rendition].head] as const).filter(([, head]) => head >= 0),
      ),
      stateSeq: entries.state.seq,
      momentSeq: moments.head,
      backstageSeq: backstage.newestSeq,
    }),
    state: () => entries.state,
    openFollowers,
    range(rendition, from, to) {
      checkRange(from, to);
      return sound[rendition].between(from, to).map(({ bytes }) => bytes);
    },
    sizes: (rendition, from) =>
      sound[rendition]
        .between(from, Infinity)
        .map(({ bytes }) => peekFragment(bytes))
        .map(({ slot, packetBytes, lacingBytes }) => ({ slot, packetBytes, lacingBytes })),
    oldestSlot: (rendition) => Math.max(0, sound[rendition].oldest),
    backstage: backstage.entries,
    addSound(rendition, slot, bytes) {
      const ring = sound[rendition];
      if (!Number.isInteger(slot) || !ring.add(slot, bytes))
        throw new RangeError(`Slot ${slot} of rendition ${rendition} is not above its head, ${ring.head}.`);
      publish({ lane: "sound", rendition, slot, bytes });
    },
    addState(entry) {
      if (entries.add(entry)) wakeAll();
    },
    addSnapshot(state) {
      if (entries.replace(state)) wakeAll();
    },
    addBackstage: backstage.add,
    addMoment(entry) {
      moments.add(entry);
      publish({ lane: "moments", entry });
    },
  };
}

/** Throws RangeError unless `[from, to)` is a range of at most MAX_RANGE_SLOTS. */
export function checkRange(from: number, to: number): void {
  if (!Number.isInteger(from) || !Number.isInteger(to) || from < 0 || to < from || to - from > MAX_RANGE_SLOTS)
    throw new RangeError(`[${from}, ${to}) is not a range of at most ${MAX_RANGE_SLOTS} slots.`);
}

function wantedBy(cursor: Cursor, renditions: readonly Rendition[] = RENDITIONS): (record: LogRecord) => boolean {
  return (record) => {
    switch (record.lane) {
      case "sound":
        return record.slot >= cursor.nextSlot && renditions.includes(record.rendition);
      case "state":
      case "snapshot":
        return true;
      case "moments":
        return record.entry.seq > cursor.momentSeq;
    }
  };
}

// Before a slot's sound come all entries up to the last that names this slot or an earlier one, in their own order.
function inLogOrder(states: readonly StateRecord[], sounds: readonly SoundRecord[]): LogRecord[] {
  const dueSlots: number[] = new Array(states.length);
  let due = Infinity;
  for (let i = states.length - 1; i >= 0; i--) {
    due = Math.min(due, (states[i] as StateRecord).entry.slot);
    dueSlots[i] = due;
  }
  const records: LogRecord[] = [];
  let next = 0;
  for (const sound of sounds) {
    while (next < states.length && (dueSlots[next] as number) <= sound.slot)
      records.push(states[next++] as StateRecord);
    records.push(sound);
  }
  return [...records, ...states.slice(next)];
}

// Every follower gets the same record object for an entry or state, so that its frame is encoded once for all of them.
function sharedStateRecords(): (value: StateEntry | SpaceState) => StateRecord | (LogRecord & { lane: "snapshot" }) {
  const records = new WeakMap<StateEntry | SpaceState, ReturnType<ReturnType<typeof sharedStateRecords>>>();
  return (value) => {
    const record =
      records.get(value) ?? ("kind" in value ? { lane: "state", entry: value } : { lane: "snapshot", state: value });
    records.set(value, record);
    return record;
  };
}
