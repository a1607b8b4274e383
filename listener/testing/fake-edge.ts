// A fake edge for tests of listeners: makes slots by a manual clock, sends real frames and has faults on command.

import type { Clock } from "@hustings/flow/clock.ts";
import {
  type ListenerMessage,
  type Notice,
  noticeFrame,
  parseListenerMessage,
  type Snapshot,
  snapshotFrame,
  soundFrame,
  stateFrame,
} from "@hustings/wire/listen/frames.ts";
import type { Fragment, SeatLevel } from "@hustings/wire/log/fragment.ts";
import { encodeFragment } from "@hustings/wire/log/fragment-encode.ts";
import {
  EMPTY_STATE,
  foldState,
  type SpaceState,
  type StateChange,
  type StateEntry,
} from "@hustings/wire/log/state.ts";
import { FRAGMENT_PACKETS, KEPT_SLOTS, type Rendition, SLOT_MS } from "@hustings/wire/units.ts";
import type { Connection, Transport, TransportEvents } from "../session/transport.ts";

export interface FakeEdgeOptions {
  /** From a slot's end to its arrival. Default: 20. */
  readonly transitMs?: number;
  /** The slot in which the clock starts. Default: 1,000. */
  readonly firstSlot?: number;
  /** Fragments that a newcomer is sent at first. Default: 8. */
  readonly firstFlightSlots?: number;
  /** The ten packets of a slot. Default: three bytes each. */
  readonly packetsOf?: (slot: number) => readonly Uint8Array[];
  readonly audience?: number;
}

interface Peer {
  readonly events: TransportEvents;
  open: boolean;
  cadenceMs: number;
  rendition: Rendition;
  /** The next slot to push; not used at the fastest cadence, where each slot is sent at once. */
  nextSlot: number;
}

export class FakeEdge {
  readonly urls: string[] = [];
  state: SpaceState = EMPTY_STATE;
  /** No connection opens, and open ones get nothing and are not closed. */
  isUnreachable = false;
  /** A proxy passes the opening of new connections and no frame. */
  isSwallowed = false;
  /** Slots are made and not sent. */
  isHeldBack = false;
  /** Closes new connections with this instead of sending a snapshot. */
  refuseWith: { readonly code: number; readonly reason: string } | undefined;
  /** New connections get a `waiting` notice and nothing else. */
  isFull = false;
  head: number;
  /** Cadence of new connections. */
  cadenceMs = 200;
  /** Reserve of new connections. */
  reserveMs = 0;
  /** Moves a listener that sends `ready` to that cadence. */
  movesWhenReady = true;
  /** Messages of listeners except pings. */
  readonly received: ListenerMessage[] = [];
  pingCount = 0;
  /** The lags that pings reported. */
  readonly lagsMs: number[] = [];
  readonly clock: Clock;
  readonly #options: FakeEdgeOptions;
  readonly #peers = new Set<Peer>();
  readonly #kept = new Map<number, Uint8Array>();
  #seq = 0;
  #isClosed = false;

  constructor(clock: Clock, options: FakeEdgeOptions = {}) {
    this.clock = clock;
    this.#options = options;
    const firstSlot = options.firstSlot ?? 1_000;
    this.head = firstSlot - 1;
    this.appendState({ kind: "anchor", anchorSlot: firstSlot, anchorUtcMs: clock.utcMs() });
    this.appendState({ kind: "live" });
    this.appendState({ kind: "air", air: "voice" });
    this.#makeSlots();
  }

  readonly transport: Transport = (url, events): Connection => {
    const rendition = /r=16/.test(url) ? "16" : "32";
    const peer: Peer = { events, open: false, cadenceMs: this.cadenceMs, rendition, nextSlot: 0 };
    this.urls.push(url);
    this.clock.after(1, () => this.#open(peer, url));
    return {
      send: (text) => this.#onText(peer, text),
      close: () => {
        peer.open = false;
        this.#peers.delete(peer);
      },
    };
  };

  get openCount(): number {
    return this.#peers.size;
  }

  /** Appends to the state lane and sends the entry to everyone. */
  appendState(change: StateChange): void {
    this.#seq += 1;
    const entry = { ...change, seq: this.#seq, slot: this.head + 1, utcMs: this.clock.utcMs() } as StateEntry;
    this.state = foldState(this.state, entry);
    this.#sendToAll(stateFrame([entry]));
  }

  sendNotice(notice: Notice): void {
    this.#sendToAll(noticeFrame(notice));
  }

  /** Sends a frame as it is. */
  sendRaw(frame: Uint8Array): void {
    this.#sendToAll(frame);
  }

  /** Sends kept slots in this order. */
  sendSlots(slots: readonly number[]): void {
    const bytes = slots.flatMap((slot) => this.#kept.get(slot) ?? []);
    this.#sendToAll(soundFrame("32", bytes));
  }

  /** Closes every connection; by default as when a process dies. */
  closeAll(code = 1006, reason = ""): void {
    for (const peer of [...this.#peers]) this.#close(peer, code, reason);
  }

  /** Leaves out this many slots and declares an absence. */
  absent(slots: number): void {
    const from = this.head + 1;
    this.head += slots;
    this.appendState({ kind: "absence", from, to: this.head + 1 });
  }

  /** Leaves out this many slots and declares a gap. */
  gap(slots: number): void {
    const from = this.head + 1;
    this.head += slots;
    this.appendState({ kind: "gap", from, to: this.head + 1 });
  }

  /** Closes every connection and makes no more slots. */
  close(): void {
    this.#isClosed = true;
    this.closeAll(1001);
  }

  #open(peer: Peer, url: string): void {
    if (this.isUnreachable) return;
    if (this.refuseWith) {
      this.#refuse(peer, this.refuseWith);
      return;
    }
    peer.open = true;
    this.#peers.add(peer);
    peer.events.opened();
    if (this.isSwallowed) {
      peer.open = false;
      return;
    }
    if (this.isFull) {
      peer.cadenceMs = Infinity;
      const place = { kind: "waiting", place: 3, estimateMs: null, sinceUtcMs: this.clock.utcMs() } as const;
      peer.events.frame(noticeFrame(place));
      return;
    }
    const asked = /next=(\d+)/.exec(url)?.[1];
    const { firstFlightSlots = 8, audience = 1 } = this.#options;
    const oldest = Math.min(...this.#kept.keys());
    const from = Math.max(oldest, asked === undefined ? this.head + 1 - firstFlightSlots : Number(asked));
    const snapshot: Snapshot = {
      state: this.state,
      headSlot: this.#kept.size > 0 ? this.head : null,
      nextSlot: this.#kept.size > 0 ? from : null,
      rendition: peer.rendition,
      cadenceMs: peer.cadenceMs,
      reserveMs: this.reserveMs,
      audience,
      utcMs: this.clock.utcMs(),
    };
    peer.events.frame(snapshotFrame(snapshot));
    const slots = [...this.#kept].filter(([slot]) => slot >= from).map(([, bytes]) => bytes);
    peer.nextSlot = this.isHeldBack ? from : this.head + 1;
    if (slots.length > 0 && peer.open && !this.isHeldBack) peer.events.frame(soundFrame(peer.rendition, slots));
    if (peer.cadenceMs > SLOT_MS) this.clock.after(peer.cadenceMs, () => this.#push(peer));
  }

  /** Sends once per cadence what came since the last push. */
  #push(peer: Peer): void {
    if (!peer.open || peer.cadenceMs <= SLOT_MS) return;
    if (!this.isUnreachable && !this.isHeldBack) this.#flush(peer);
    this.clock.after(peer.cadenceMs, () => this.#push(peer));
  }

  #flush(peer: Peer): void {
    const slots = [...this.#kept].filter(([slot]) => slot >= peer.nextSlot).map(([, bytes]) => bytes);
    peer.nextSlot = this.head + 1;
    if (slots.length > 0) peer.events.frame(soundFrame(peer.rendition, slots));
  }

  #moveTo(peer: Peer, cadenceMs: number): void {
    const wasFast = peer.cadenceMs <= SLOT_MS;
    if (!wasFast) this.#flush(peer);
    peer.nextSlot = this.head + 1;
    peer.cadenceMs = cadenceMs;
    peer.events.frame(noticeFrame({ kind: "cadence", cadenceMs }));
    if (wasFast && cadenceMs > SLOT_MS) this.clock.after(cadenceMs, () => this.#push(peer));
  }

  #refuse(peer: Peer, { code, reason }: { readonly code: number; readonly reason: string }): void {
    peer.open = true;
    this.#close(peer, code, reason);
  }

  #close(peer: Peer, code: number, reason: string): void {
    this.#peers.delete(peer);
    if (!peer.open) return;
    peer.open = false;
    peer.events.closed(code, reason);
  }

  #onText(peer: Peer, text: string): void {
    const message = parseListenerMessage(text);
    if (this.isUnreachable) return;
    if (message.kind !== "ping") this.received.push(message);
    if (message.kind === "rendition") peer.rendition = message.rendition;
    if (message.kind === "ready" && this.movesWhenReady)
      this.clock.after(2, () => peer.open && this.#moveTo(peer, message.cadenceMs));
    if (message.kind !== "ping") return;
    this.pingCount += 1;
    if (message.lagMs !== undefined) this.lagsMs.push(message.lagMs);
    const { echo } = message;
    const utcMs = this.clock.utcMs();
    this.clock.after(2, () => peer.open && peer.events.frame(noticeFrame({ kind: "pong", echo, utcMs })));
  }

  #sendToAll(frame: Uint8Array): void {
    if (this.isUnreachable) return;
    for (const peer of [...this.#peers]) if (peer.open) peer.events.frame(frame);
  }

  #makeSlots(): void {
    const { transitMs: wayMs = 20 } = this.#options;
    const startMs = this.clock.monotonicMs() + wayMs;
    let made = 0;
    const next = (): void => {
      if (this.#isClosed) return;
      if (made > 0) this.#makeSlot();
      made += 1;
      this.clock.after(startMs + made * SLOT_MS - this.clock.monotonicMs(), next);
    };
    this.clock.after(wayMs, next);
  }

  #makeSlot(): void {
    const slot = this.head + 1;
    this.head = slot;
    const { packetsOf = onePacketEach } = this.#options;
    const fragment: Fragment = { slot, levels: levelsOf(slot), packets: packetsOf(slot) };
    this.#kept.set(slot, encodeFragment(fragment));
    this.#kept.delete(slot - KEPT_SLOTS);
    if (this.isHeldBack || this.isUnreachable) return;
    const bytes = this.#kept.get(slot) as Uint8Array;
    for (const peer of [...this.#peers])
      if (peer.open && peer.cadenceMs <= SLOT_MS) peer.events.frame(soundFrame(peer.rendition, [bytes]));
  }
}

/** Three speakers in turn, and a second voice in every fourth slot. */
export function levelsOf(slot: number): readonly SeatLevel[] {
  const speaker = { seat: slot % 3, levelDbov: 30 };
  return slot % 4 === 0 ? [speaker, { seat: 7, levelDbov: 60 }] : [speaker];
}

function onePacketEach(slot: number): readonly Uint8Array[] {
  return Array.from({ length: FRAGMENT_PACKETS }, (_, i) => Uint8Array.of(0xf8, slot & 255, i));
}
