// Makes a pulling listener's snapshot from room document and newest playlist. SPEC.md §7, U2.

import type { ReadPlaylist } from "@hustings/media/hls/playlist-reader.ts";
import type { PersonId } from "@hustings/wire/ids.ts";
import type { Snapshot } from "@hustings/wire/listen/frames.ts";
import type { RoomDocument } from "@hustings/wire/listen/room-document.ts";
import { EMPTY_STATE, MAX_MARKS, type Phase, type SpaceState } from "@hustings/wire/log/state.ts";
import { type Anchor, type SlotRange, utcOfSlot } from "@hustings/wire/slots.ts";
import type { Rendition } from "@hustings/wire/units.ts";

/** Cadences whose buffers fit parts and segments (docs/latency.md). */
export const PULL_CADENCE_MS = { parts: 2_000, segments: 8_000 } as const;

/** The largest of this many newest samples counts: the edge's clock shows at least that. */
const MAX_TIMES = 8;
const FIRST_SEQ = 1;
const NOBODY = "" as PersonId;

export class PullSnapshot {
  room: RoomDocument | undefined;
  cadenceMs: number = PULL_CADENCE_MS.parts;
  readonly #seq: number;
  #gaps: readonly SlotRange[] = [];
  #anchors: readonly Anchor[] = [];
  #playlist: ReadPlaylist | undefined;
  #isEnded = false;
  #offsetsMs: readonly number[] = [];

  /** `seq` of the session's newest entry, so that these snapshots do not count as newer than an edge's. */
  constructor(seq: number) {
    this.#seq = Math.max(FIRST_SEQ, seq);
  }

  onRoom(room: RoomDocument, ownUtcMs: number): boolean {
    const before = shown(this.room);
    this.room = room;
    if (!room.stale) this.#learnTime(room.asOfUtcMs - ownUtcMs);
    return shown(room) !== before;
  }

  onPlaylist(playlist: ReadPlaylist, ownUtcMs: number): boolean {
    const isFirst = this.#playlist === undefined;
    const cadenceMs =
      playlist.canBlock && playlist.segments.some(({ parts }) => parts.length > 0) ? "parts" : "segments";
    const [gaps, anchors] = [this.#gaps, this.#anchors];
    this.#gaps = merged(this.#gaps, playlist.gaps, ({ from }) => from);
    this.#anchors = merged(this.#anchors, unknown(this.#anchors, playlist.anchors), ({ slot }) => slot);
    this.#playlist = playlist;
    const madeUtcMs = utcOfSlot(this.#anchors, playlist.to);
    if (madeUtcMs !== undefined) this.#learnTime(madeUtcMs - ownUtcMs);
    if (isFirst) this.cadenceMs = PULL_CADENCE_MS[cadenceMs];
    return isFirst || gaps !== this.#gaps || anchors !== this.#anchors;
  }

  onEnded(): void {
    this.#isEnded = true;
  }

  /** `next`: slot to deliver next; `undefined`: not known yet. */
  build(next: number | undefined, rendition: Rendition, ownUtcMs: number): Snapshot {
    const head = this.#playlist ? this.#playlist.to - 1 : null;
    return {
      state: this.#state(next),
      headSlot: head,
      nextSlot: head === null || next === undefined ? null : next,
      rendition,
      cadenceMs: this.cadenceMs,
      audience: this.room?.audience ?? 0,
      utcMs: ownUtcMs + (this.#offsetsMs.length > 0 ? Math.max(...this.#offsetsMs) : 0),
    };
  }

  // Voices also during hold music, which HLS has in its sound.
  #state(next: number | undefined): SpaceState {
    const { room } = this;
    const phase: Phase = this.#isEnded ? "ended" : this.#playlist ? "live" : "created";
    const speakers = room?.speakers ?? [];
    return {
      ...EMPTY_STATE,
      seq: this.#seq,
      id: room?.id,
      title: room?.title ?? "",
      host: room && { person: NOBODY, name: room.host },
      phase,
      air: phase === "live" ? "voice" : "hold",
      endedSlot: this.#isEnded ? next : undefined,
      liveUtcMs: room?.liveUtcMs ?? undefined,
      recording: room?.recording ?? "off",
      seats: speakers.map((speaker) => ({ ...speaker, person: NOBODY, mutedBy: "self" })),
      anchors: this.#anchors,
      gaps: this.#gaps,
    };
  }

  #learnTime(offsetMs: number): void {
    this.#offsetsMs = [...this.#offsetsMs, offsetMs].slice(-MAX_TIMES);
  }
}

function shown(room: RoomDocument | undefined): string {
  return JSON.stringify([room?.title, room?.host, room?.speakers]);
}

/** Anchors that differ from the known ones by at least 50 ms. */
function unknown(known: readonly Anchor[], listed: readonly Anchor[]): readonly Anchor[] {
  return listed.filter(({ slot, utcMs }) => Math.abs((utcOfSlot(known, slot) ?? Infinity) - utcMs) >= 50);
}

function merged<T>(known: readonly T[], listed: readonly T[], slotOf: (one: T) => number): readonly T[] {
  const isNew = (one: T): boolean => known.every((other) => slotOf(other) !== slotOf(one));
  const all = [...known, ...listed.filter(isNew)].sort((a, b) => slotOf(a) - slotOf(b));
  return all.length === known.length ? known : all.slice(-MAX_MARKS);
}
