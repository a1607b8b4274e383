// Frames that many listeners of a space get, each made once. Keeps the newest, by bytes.

import type { Clock } from "@hustings/flow/clock.ts";
import { momentsFrame, noticeFrame, snapshotFrame, soundFrameParts, stateFrame } from "@hustings/wire/listen/frames.ts";
import type { SpaceState } from "@hustings/wire/log/state.ts";
import { perRendition, type Rendition } from "@hustings/wire/units.ts";
import type { SpaceReplica } from "../../replica/space-replica.ts";
import { MAX_FRAME_BYTES } from "../edge-limits.ts";
import type { CadenceRow } from "../load/cadence-table.ts";
import { binaryFrame } from "../socket/websocket-framing.ts";

const MAX_SHARED_BYTES = 256 * 1024;
/** Kept until the next slot. A dead edge's listeners resume from some forty slots. */
const MAX_SOUND_BYTES = 1024 * 1024;
/** A snapshot has the edge's time, so it is shared briefly. */
const SNAPSHOT_MS = 20;
/** They say more precisely than a snapshot when something happened, so they are sent whatever their length. */
const FEW_ENTRIES = 64;

type WantedBuffer = Pick<CadenceRow, "cadenceMs" | "reserveMs">;

export interface SharedFrames {
  /** Fragments from `slot`, which must be kept, up to `to`, exclusive. */
  sound(rendition: Rendition, slot: number): { readonly frame: Buffer; readonly to: number };
  /** `undefined`: no longer kept, or longer than a snapshot; send a snapshot. */
  entries(seq: number): Buffer | undefined;
  /** The newest moments that fit in `maxBytes` of JSON. */
  moments(seq: number, maxBytes: number): Buffer;
  /** `again`: not the first of its connection. */
  snapshot(
    rendition: Rendition,
    cadence: WantedBuffer,
    nextSlot: number | null,
    audience: number,
    again?: boolean,
  ): Buffer;
  skipped(from: number, to: number): Buffer;
  target(cadence: WantedBuffer): Buffer;
  cadence(cadenceMs: number): Buffer;
  audience(audience: number): Buffer;
  upstream(away: boolean): Buffer;
}

interface SharedSound {
  readonly frame: Buffer;
  readonly to: number;
}

interface SoundsToHead {
  readonly head: number;
  readonly from: Map<number, SharedSound>;
  bytes: number;
}

export function createSharedFrames(replica: SpaceReplica, clock: Clock): SharedFrames {
  const frames = new Map<string, Buffer>();
  const sounds = perRendition(() => soundsTo(-1));
  let sharedBytes = 0;
  let stateJson: { readonly state: SpaceState; readonly json: string } | undefined;

  // A dead edge's listeners all need the same large state, with different cursors.
  function stateJsonOf(state: SpaceState): string {
    if (stateJson?.state !== state) stateJson = { state, json: JSON.stringify(state) };
    return stateJson.json;
  }

  function share(key: string, make: () => Uint8Array): Buffer {
    const known = frames.get(key);
    if (known) return known;
    const frame = binaryFrame(make());
    frames.set(key, frame);
    sharedBytes += frame.length;
    for (const [oldKey, old] of frames) {
      if (sharedBytes <= MAX_SHARED_BYTES || old === frame) break;
      frames.delete(oldKey);
      sharedBytes -= old.length;
    }
    return frame;
  }

  return {
    sound(rendition, slot) {
      const ring = replica.ring(rendition);
      if (sounds[rendition].head !== ring.head) sounds[rendition] = soundsTo(ring.head);
      const shared = sounds[rendition];
      const known = shared.from.get(slot);
      if (known) return known;
      const fragments = ring.consecutiveFrom(slot, MAX_FRAME_BYTES);
      const made = { frame: binaryFrame(...soundFrameParts(rendition, fragments)), to: slot + fragments.length };
      shared.bytes += made.frame.length;
      if (shared.bytes > MAX_SOUND_BYTES) sounds[rendition] = soundsTo(ring.head);
      else shared.from.set(slot, made);
      return made;
    },
    entries(seq) {
      const entries = replica.entriesAfter(seq);
      const frame = entries && share(`state ${seq} ${replica.state.seq}`, () => stateFrame(entries));
      if (!frame || entries.length <= FEW_ENTRIES) return frame;
      return frame.length <= stateJsonOf(replica.state).length ? frame : undefined;
    },
    moments(seq, maxBytes) {
      const entries = replica.moments.after(seq, maxBytes);
      return share(`moments ${entries[0]?.seq} ${replica.moments.newestSeq}`, () => momentsFrame(entries));
    },
    snapshot(rendition, { cadenceMs, reserveMs }, nextSlot, audience, again = false) {
      const { state, headSlot } = replica;
      const first = { headSlot, nextSlot, rendition, cadenceMs, reserveMs, audience, utcMs: clock.utcMs() };
      const turn = Math.floor(clock.monotonicMs() / SNAPSHOT_MS);
      const make = () => snapshotFrame({ state, ...first, ...(again ? { again } : {}) }, stateJsonOf(state));
      return share(
        `snapshot ${rendition} ${cadenceMs} ${reserveMs} ${nextSlot} ${state.seq} ${headSlot} ${turn} ${again}`,
        make,
      );
    },
    skipped: (from, to) => share(`skipped ${from} ${to}`, () => noticeFrame({ kind: "skipped", from, to })),
    target: ({ cadenceMs, reserveMs }) =>
      share(`target ${cadenceMs} ${reserveMs}`, () => noticeFrame({ kind: "target", cadenceMs, reserveMs })),
    cadence: (cadenceMs) => share(`cadence ${cadenceMs}`, () => noticeFrame({ kind: "cadence", cadenceMs })),
    audience: (audience) => share(`audience ${audience}`, () => noticeFrame({ kind: "audience", audience })),
    upstream: (away) => share(`upstream ${away}`, () => noticeFrame({ kind: "upstream", away })),
  };
}

function soundsTo(head: number): SoundsToHead {
  return { head, from: new Map(), bytes: 0 };
}
