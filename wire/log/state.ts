// The public state of a space: its entries, and the fold that stages, edges, pages and replays share.

import type { PersonId, SpaceId } from "../ids.ts";
import type { Anchor, SlotRange } from "../slots.ts";
import { detailsOf, NO_DETAILS, type SpaceDetails } from "./detail-values.ts";

export const PHASES = ["created", "live", "ended"] as const;
export type Phase = (typeof PHASES)[number];
export const ROLES = ["host", "cohost", "speaker"] as const;
export type Role = (typeof ROLES)[number];
export const AIRS = ["voice", "hold"] as const;
/** Voices, or hold music that each player plays from its own file. */
export type Air = (typeof AIRS)[number];
export const HOLD_REASONS = ["nobody-on-stage", "silence", "stage-back"] as const;
export type HoldReason = (typeof HOLD_REASONS)[number];
export const RECORDING_STATUSES = ["on", "off", "failed"] as const;
export type RecordingStatus = (typeof RECORDING_STATUSES)[number];
export const END_REASONS = ["host", "empty", "operator"] as const;
/** The host ended the space, nobody was on its stage for too long, or the operator of the server ended it. */
export type EndReason = (typeof END_REASONS)[number];
export type LeaveReason = "stepped-down" | "removed" | "timeout" | "ended";

export type StateChange =
  /** First entry of every space. Slot 0 begins at `originUtcMs`. */
  | ({
      readonly kind: "created";
      readonly id: SpaceId;
      readonly host: PersonId;
      readonly hostName: string;
      readonly originUtcMs: number;
    } & SpaceDetails)
  | { readonly kind: "anchor"; readonly anchorSlot: number; readonly anchorUtcMs: number }
  /** Slots `[from, to)` do not exist, at most `MAX_ABSENCE_SLOTS`. Every view shows filler. */
  | { readonly kind: "absence"; readonly from: number; readonly to: number }
  /** A longer absence: a break in the timeline. */
  | { readonly kind: "gap"; readonly from: number; readonly to: number }
  | { readonly kind: "live" }
  /** Without `why` the host ended it. */
  | { readonly kind: "ended"; readonly why?: EndReason }
  | { readonly kind: "title"; readonly title: string }
  | {
      readonly kind: "seated";
      readonly seat: number;
      readonly person: PersonId;
      readonly name: string;
      readonly role: Role;
    }
  /** Whether the seat's sound reaches the stage. A seat kept for a disconnected speaker is not present. */
  | { readonly kind: "present"; readonly seat: number; readonly present: boolean }
  | { readonly kind: "left"; readonly seat: number; readonly why: LeaveReason }
  | { readonly kind: "muted"; readonly seat: number; readonly muted: boolean; readonly by: "self" | "host" }
  | { readonly kind: "hand"; readonly person: PersonId; readonly name: string; readonly up: boolean }
  /** Whether listeners may raise hands. Those that are up when the hands are closed stay up. */
  | { readonly kind: "hands"; readonly open: boolean }
  | { readonly kind: "invited"; readonly person: PersonId; readonly name: string }
  | { readonly kind: "uninvited"; readonly person: PersonId }
  | { readonly kind: "air"; readonly air: Air; readonly reason?: HoldReason }
  | { readonly kind: "recording"; readonly recording: RecordingStatus }
  /** Host tickets of earlier generations are refused. */
  | { readonly kind: "host-link"; readonly generation: number };

/**
 * `seq` counts from 1 without holes. The entry applies from `slot` and arrives before that slot's sound. `utcMs` is the
 * stage's clock, for people, never for ordering.
 */
export type StateEntry = StateChange & { readonly seq: number; readonly slot: number; readonly utcMs: number };

export interface Seat {
  readonly seat: number;
  readonly person: PersonId;
  readonly name: string;
  readonly role: Role;
  readonly muted: boolean;
  /** Meaningful only while `muted`. */
  readonly mutedBy: "self" | "host";
  readonly present: boolean;
}

export interface NamedPerson {
  readonly person: PersonId;
  readonly name: string;
}

export interface SpaceState extends SpaceDetails {
  /** Newest folded entry; 0 before the first. */
  readonly seq: number;
  readonly id: SpaceId | undefined;
  readonly host: NamedPerson | undefined;
  readonly originUtcMs: number;
  readonly phase: Phase;
  /** When the space went live and ended; `undefined` before. */
  readonly liveSlot: number | undefined;
  readonly liveUtcMs: number | undefined;
  readonly endedSlot: number | undefined;
  readonly endedUtcMs: number | undefined;
  readonly endReason: EndReason | undefined;
  /** By seat number, ascending. */
  readonly seats: readonly Seat[];
  /**
   * The names of the first `MAX_SPOKE` people whose microphone was open on the stage while the space was live. Absent in
   * states that were folded before version 0.2.
   */
  readonly spoke?: readonly string[];
  /** Oldest first, at most `MAX_HANDS`. */
  readonly hands: readonly NamedPerson[];
  /** Whether listeners may raise hands. */
  readonly handsOpen: boolean;
  readonly invites: readonly NamedPerson[];
  readonly air: Air;
  readonly holdReason: HoldReason | undefined;
  readonly recording: RecordingStatus;
  readonly hostLinkGeneration: number;
  /** Ascending; the newest `MAX_MARKS` of each. The lane has all of them. */
  readonly anchors: readonly Anchor[];
  readonly absences: readonly SlotRange[];
  readonly gaps: readonly SlotRange[];
  readonly airs: readonly AirMark[];
}

export interface AirMark {
  readonly slot: number;
  readonly air: Air;
}

/** The stage refuses more; the fold drops the oldest. A snapshot stays below 32 KiB. */
export const MAX_HANDS = 100;
export const MAX_INVITES = 20;
export const MAX_MARKS = 32;
export const MAX_SPOKE = 20;
export const MAX_SNAPSHOT_BYTES = 32 * 1024;

export const EMPTY_STATE: SpaceState = {
  seq: 0,
  id: undefined,
  ...NO_DETAILS,
  host: undefined,
  originUtcMs: 0,
  phase: "created",
  liveSlot: undefined,
  liveUtcMs: undefined,
  endedSlot: undefined,
  endedUtcMs: undefined,
  endReason: undefined,
  seats: [],
  spoke: [],
  hands: [],
  handsOpen: true,
  invites: [],
  air: "hold",
  holdReason: undefined,
  recording: "off",
  hostLinkGeneration: 1,
  anchors: [],
  absences: [],
  gaps: [],
  airs: [],
};

/** Ignores entries at or below `state.seq`; one about an absent person or seat changes only `seq`. Never throws. */
export function foldState(state: SpaceState, entry: StateEntry): SpaceState {
  if (entry.seq <= state.seq) return state;
  return withSpoke({ ...state, ...changeOf(state, entry), seq: entry.seq });
}

function withSpoke(state: SpaceState): SpaceState {
  const { phase, seats, spoke = [] } = state;
  const open = phase === "live" ? seats.filter(({ present, muted }) => present && !muted).map(({ name }) => name) : [];
  const all = new Set([...spoke, ...open]);
  return all.size > spoke.length ? { ...state, spoke: [...all].slice(0, MAX_SPOKE) } : state;
}

export function foldAll(entries: Iterable<StateEntry>, from: SpaceState = EMPTY_STATE): SpaceState {
  let state = from;
  for (const entry of entries) state = foldState(state, entry);
  return state;
}

function changeOf(state: SpaceState, entry: StateEntry): Partial<SpaceState> {
  switch (entry.kind) {
    case "created":
      return {
        id: entry.id,
        ...detailsOf(entry),
        host: { person: entry.host, name: entry.hostName },
        originUtcMs: entry.originUtcMs,
      };
    case "anchor":
      return {
        anchors: keepNewest([...state.anchors, { slot: entry.anchorSlot, utcMs: entry.anchorUtcMs }], MAX_MARKS),
      };
    case "absence":
      return { absences: keepNewest([...state.absences, { from: entry.from, to: entry.to }], MAX_MARKS) };
    case "gap":
      return { gaps: keepNewest([...state.gaps, { from: entry.from, to: entry.to }], MAX_MARKS) };
    case "live":
      return { phase: "live", liveSlot: entry.slot, liveUtcMs: entry.utcMs };
    case "ended":
      return ended(entry);
    case "title":
      return { title: entry.title };
    case "seated":
      return seated(state, entry);
    case "present":
      return { seats: changeSeat(state.seats, entry.seat, { present: entry.present }) };
    case "left":
      return { seats: state.seats.filter(({ seat }) => seat !== entry.seat) };
    case "muted":
      return { seats: changeSeat(state.seats, entry.seat, { muted: entry.muted, mutedBy: entry.by }) };
    case "hand":
      return {
        hands: keepNewest(entry.up ? withNamed(state.hands, entry) : without(state.hands, entry.person), MAX_HANDS),
      };
    case "hands":
      return { handsOpen: entry.open };
    case "invited":
      return {
        invites: keepNewest(withNamed(state.invites, entry), MAX_INVITES),
        hands: without(state.hands, entry.person),
      };
    case "uninvited":
      return { invites: without(state.invites, entry.person) };
    case "air":
      return { air: entry.air, holdReason: entry.reason, airs: withAir(state.airs, entry) };
    case "recording":
      return { recording: entry.recording };
    case "host-link":
      return { hostLinkGeneration: entry.generation };
    default:
      return {};
  }
}

function ended({ slot, utcMs, why = "host" }: StateEntry & { kind: "ended" }): Partial<SpaceState> {
  const end = { phase: "ended", endedSlot: slot, endedUtcMs: utcMs, endReason: why } as const;
  return { ...end, seats: [], hands: [], invites: [], air: "hold", holdReason: undefined };
}

function seated(state: SpaceState, { seat, person, name, role }: StateEntry & { kind: "seated" }): Partial<SpaceState> {
  const taken: Seat = { seat, person, name, role, muted: true, mutedBy: "self", present: false };
  const others = state.seats.filter((other) => other.seat !== seat && other.person !== person);
  return {
    seats: [...others, taken].sort((a, b) => a.seat - b.seat),
    hands: without(state.hands, person),
    invites: without(state.invites, person),
  };
}

function withAir(airs: readonly AirMark[], { slot, air }: StateEntry & { kind: "air" }): readonly AirMark[] {
  return airs.at(-1)?.air === air ? airs : keepNewest([...airs, { slot, air }], MAX_MARKS);
}

function changeSeat(seats: readonly Seat[], number: number, change: Partial<Seat>): readonly Seat[] {
  return seats.map((seat) => (seat.seat === number ? { ...seat, ...change } : seat));
}

function withNamed(list: readonly NamedPerson[], { person, name }: NamedPerson): readonly NamedPerson[] {
  return list.some((one) => one.person === person) ? list : [...list, { person, name }];
}

function without(list: readonly NamedPerson[], person: PersonId): readonly NamedPerson[] {
  return list.filter((one) => one.person !== person);
}

function keepNewest<T>(list: readonly T[], limit: number): readonly T[] {
  return list.length > limit ? list.slice(list.length - limit) : list;
}
