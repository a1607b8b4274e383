// Combines a page's sources about a space: the stage's data channel, the listener's connection, the room document.
// Pure.

import type { EarState } from "@hustings/listener/playout/ear-states.ts";
import type { LinkState } from "@hustings/listener/session/link-states.ts";
import type { PersonId } from "@hustings/wire/ids.ts";
import type { RoomDocument } from "@hustings/wire/listen/room-document.ts";
import type {
  Air,
  EndReason,
  HoldReason,
  NamedPerson,
  Phase,
  RecordingStatus,
  Role,
  SpaceState,
} from "@hustings/wire/log/state.ts";

export interface OnStage {
  readonly key: string;
  readonly seat: number;
  readonly person: PersonId | undefined;
  readonly name: string;
  readonly role: Role;
  readonly muted: boolean;
  readonly mutedBy: "self" | "host";
  readonly present: boolean;
}

export interface SpaceView {
  readonly title: string;
  readonly phase: Phase;
  readonly host: string;
  /** `undefined`: only the room document is known. */
  readonly hostPerson: PersonId | undefined;
  readonly people: readonly OnStage[];
  readonly hands: readonly NamedPerson[];
  readonly handsCount: number;
  readonly handsOpen: boolean;
  readonly invites: readonly NamedPerson[];
  readonly air: Air;
  readonly holdReason: HoldReason | undefined;
  readonly recording: RecordingStatus;
  readonly audience: number;
  readonly liveUtcMs: number | undefined;
  readonly endReason: EndReason | undefined;
}

export interface Sources {
  readonly stage: { readonly state: SpaceState; readonly audience: number } | undefined;
  readonly ear: { readonly state: SpaceState; readonly audience: number } | undefined;
  readonly room: RoomDocument | undefined;
}

/** The space as this listener hears it: it is live for them until they have heard its end. */
export function heardViewOf(sources: Sources, link: LinkState, ear: EarState): SpaceView | undefined {
  const view = viewOf(sources);
  return view?.phase === "ended" && isSounding(link, ear) ? { ...view, phase: "live" } : view;
}

function isSounding(link: LinkState, ear: EarState): boolean {
  if (ear === "filling") return link === "following";
  return ear === "playing" || ear === "low" || ear === "jumping";
}

/** Shows the best source; `undefined`: none knows anything yet. */
export function viewOf({ stage, ear, room }: Sources): SpaceView | undefined {
  if (room?.phase === "ended" && ear?.state.phase !== "ended") return fromRoom(room);
  const live = stage ?? (ear && ear.state.seq > 0 ? ear : undefined);
  if (live) return fromState(live.state, live.audience);
  return room && fromRoom(room);
}

function fromState(state: SpaceState, audience: number): SpaceView {
  const { title, phase, host, seats, hands, handsOpen, invites, air, holdReason, recording, liveUtcMs, endReason } =
    state;
  const people = withKeys(seats.map((seat) => ({ ...seat })));
  const shared = {
    title,
    phase,
    hands,
    handsOpen,
    invites,
    air,
    holdReason,
    recording,
    audience,
    liveUtcMs,
    endReason,
  };
  return { ...shared, host: host?.name ?? "", hostPerson: host?.person, people, handsCount: hands.length };
}

function fromRoom(room: RoomDocument): SpaceView {
  const { title, phase, host, speakers, handsCount, handsOpen, air, recording, audience } = room;
  const people = speakers.map((speaker) => ({
    ...speaker,
    person: undefined,
    mutedBy: "self" as const,
  }));
  return {
    ...{ title, phase, host, handsCount, handsOpen, air, recording, audience },
    hostPerson: undefined,
    people: withKeys(people),
    hands: [],
    invites: [],
    holdReason: room.holdReason ?? undefined,
    liveUtcMs: room.liveUtcMs ?? undefined,
    endReason: room.endReason ?? undefined,
  };
}

function withKeys(people: readonly Omit<OnStage, "key">[]): readonly OnStage[] {
  const seen = new Map<string, number>();
  return people.map((person) => {
    const count = (seen.get(person.name) ?? 0) + 1;
    seen.set(person.name, count);
    return { ...person, key: `${person.name}#${count}` };
  });
}
