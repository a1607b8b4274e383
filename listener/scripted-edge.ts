// Owns an edge that is made of words: a stage that counts slots on a manual clock, what an edge keeps of it, and faults
// on command. For tests of listeners. Refuses to know sockets; frames are the real ones.

import type { Clock } from "@hustings/flow/clock.ts";
import { encodeFragment, type Fragment } from "@hustings/wire/fragment.ts";
import {
  type Notice,
  noticeFrame,
  type Snapshot,
  snapshotFrame,
  soundFrame,
  stateFrame,
} from "@hustings/wire/frames.ts";
import { EMPTY_STATE, foldState, type SpaceState, type StateChange, type StateEntry } from "@hustings/wire/state.ts";
import { FRAGMENT_PACKETS, KEPT_SLOTS, SLOT_MS } from "@hustings/wire/units.ts";
import type { Link, Transport, TransportEvents } from "./transport.ts";

export interface ScriptedEdgeOptions {
  /** From a slot's end to its arrival; 20 where absent. */
  readonly wayMs?: number;
  /** The slot in which the clock starts; 1,000 where absent. */
  readonly firstSlot?: number;
  /** Fragments before the head that a newcomer is sent; 8 where absent. */
  readonly firstFlightSlots?: number;
  /** Ten packets for a slot; one byte each where absent. */
  readonly packetsOf?: (slot: number) => readonly Uint8Array[];
  readonly audience?: number;
}

interface Peer {
  readonly events: TransportEvents;
  open: boolean;
}

export class ScriptedEdge {
  readonly urls: string[] = [];
  state: SpaceState = EMPTY_STATE;
  /** No connection opens while this is true; those that are open hear nothing and are not closed. */
  isUnreachable = false;
  /** Slots are made but not sent. */
  isHeldBack = false;
  /** What a new connection is closed with instead of a snapshot. */
  refuseWith: { readonly code: number; readonly reason: string } | undefined;
  head: number;
  readonly clock: Clock;
  readonly #options: ScriptedEdgeOptions;
  readonly #peers = new Set<Peer>();
  readonly #kept = new Map<number, Uint8Array>();
  #seq = 0;
  #isClosed = false;

  constructor(clock: Clock, options: ScriptedEdgeOptions = {}) {
    this.clock = clock;
    this.#options = options;
    const firstSlot = options.firstSlot ?? 1_000;
    this.head = firstSlot - 1;
    this.change({ kind: "anchor", anchorSlot: firstSlot, anchorUtcMs: clock.utcMs() });
    this.change({ kind: "live" });
    this.change({ kind: "air", air: "voice" });
    this.#makeSlots();
  }

  readonly transport: Transport = (url, events): Link => {
    const peer: Peer = { events, open: false };
    this.urls.push(url);
    this.clock.after(1, () => this.#open(peer, url));
    return {
      send: (text) => this.#answer(peer, text),
      close: () => {
        peer.open = false;
        this.#peers.delete(peer);
      },
    };
  };

  /** Appends to the state lane and tells everyone. */
  change(change: StateChange): void {
    this.#seq += 1;
    const entry = { ...change, seq: this.#seq, slot: this.head + 1, utcMs: this.clock.utcMs() } as StateEntry;
    this.state = foldState(this.state, entry);
    this.#tell(stateFrame([entry]));
  }

  notice(notice: Notice): void {
    this.#tell(noticeFrame(notice));
  }

  /** Sends whole frames as they are. */
  raw(frame: Uint8Array): void {
    this.#tell(frame);
  }

  /** Sends slots again, or in another order. */
  send(slots: readonly number[]): void {
    const bytes = slots.flatMap((slot) => this.#kept.get(slot) ?? []);
    this.#tell(soundFrame("32", bytes));
  }

  /** Every connection ends as when a process dies, or with a close code. */
  cut(code = 1006, reason = ""): void {
    for (const peer of [...this.#peers]) this.#close(peer, code, reason);
  }

  /** The stage makes no slots for this many, and then says so. */
  absent(slots: number): void {
    const from = this.head + 1;
    this.head += slots;
    this.change({ kind: "absence", from, to: this.head + 1 });
  }

  /** Makes no more slots. */
  close(): void {
    this.#isClosed = true;
    this.cut(1001);
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
    const asked = /next=(\d+)/.exec(url)?.[1];
    const { firstFlightSlots = 8, audience = 1 } = this.#options;
    const oldest = Math.min(...this.#kept.keys());
    const from = Math.max(oldest, asked === undefined ? this.head + 1 - firstFlightSlots : Number(asked));
    const snapshot: Snapshot = {
      state: this.state,
      headSlot: this.#kept.size > 0 ? this.head : null,
      nextSlot: this.#kept.size > 0 ? from : null,
      rendition: "32",
      cadenceMs: 200,
      audience,
      utcMs: this.clock.utcMs(),
    };
    peer.events.frame(snapshotFrame(snapshot));
    const slots = [...this.#kept].filter(([slot]) => slot >= from).map(([, bytes]) => bytes);
    if (slots.length > 0 && peer.open && !this.isHeldBack) peer.events.frame(soundFrame("32", slots));
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

  #answer(peer: Peer, text: string): void {
    const { kind, echo } = JSON.parse(text) as { readonly kind: string; readonly echo: number };
    if (kind !== "ping" || this.isUnreachable) return;
    const utcMs = this.clock.utcMs();
    this.clock.after(2, () => peer.open && peer.events.frame(noticeFrame({ kind: "pong", echo, utcMs })));
  }

  #tell(frame: Uint8Array): void {
    if (this.isUnreachable) return;
    for (const peer of [...this.#peers]) if (peer.open) peer.events.frame(frame);
  }

  #makeSlots(): void {
    const { wayMs = 20 } = this.#options;
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
    const fragment: Fragment = { slot, levels: [{ seat: slot % 3, levelDbov: 30 }], packets: packetsOf(slot) };
    this.#kept.set(slot, encodeFragment(fragment));
    this.#kept.delete(slot - KEPT_SLOTS);
    if (!this.isHeldBack) this.send([slot]);
  }
}

function onePacketEach(slot: number): readonly Uint8Array[] {
  return Array.from({ length: FRAGMENT_PACKETS }, (_, i) => Uint8Array.of(0xf8, slot & 255, i));
}
