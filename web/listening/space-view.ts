// Combines a page's sources about a space: the stage's data channel, the listener's connection, the room document.
// Pure.

import type { EarState } from "@hustings/listener/playout/ear-states.ts";
import type { LinkState } from "@hustings/listener/session/link-states.ts";
import type { DocumentOf } from "@hustings/wire/api/document-fields.ts";
import type { ROOM_SPACE_FIELDS } from "@hustings/wire/api/space-shape.ts";
import type { PersonId } from "@hustings/wire/ids.ts";
import type { RoomDocument } from "@hustings/wire/listen/room-document.ts";
import type { Seat, SpaceState } from "@hustings/wire/log/state.ts";

type SharedFields = DocumentOf<typeof ROOM_SPACE_FIELDS>;

/** `person` and `mutedBy` are known from the state only. */
export type OnStage = SharedFields["speakers"][number] &
  Pick<Seat, "mutedBy"> & { readonly key: string; readonly person: PersonId | undefined };

/** The fields that the room document shares with the state, and what only the state knows. */
export interface SpaceView
  extends Omit<SharedFields, "id" | "speakers" | "lagMs" | "slowLagMs">,
    Pick<SpaceState, "hands" | "invites"> {
  /** `undefined`: only the room document is known. */
  readonly hostPerson: PersonId | undefined;
  readonly people: readonly OnStage[];
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

/** Only the types come from the table of fields: its schemas and rules for names would weigh on every listener. */
function fromState(state: SpaceState, audience: number): SpaceView {
  const { title, phase, host, seats, hands, handsOpen, invites, air, recording } = state;
  const { spoke = [], holdReason = null, liveUtcMs = null, endedUtcMs = null, endReason = null } = state;
  return {
    ...{ title, phase, hands, handsOpen, invites, air, recording, spoke, audience },
    ...{ holdReason, liveUtcMs, endedUtcMs, endReason, createdUtcMs: state.originUtcMs },
    host: host?.name ?? "",
    hostPerson: host?.person,
    people: withKeys(seats),
    handsCount: hands.length,
  };
}

function fromRoom(room: RoomDocument): SpaceView {
  const people = room.speakers.map((speaker) => ({ ...speaker, person: undefined, mutedBy: "self" as const }));
  return { ...room, hostPerson: undefined, people: withKeys(people), hands: [], invites: [] };
}

function withKeys(people: readonly Omit<OnStage, "key">[]): readonly OnStage[] {
  const seen = new Map<string, number>();
  return people.map((person) => {
    const count = (seen.get(person.name) ?? 0) + 1;
    seen.set(person.name, count);
    return { ...person, key: `${person.name}#${count}` };
  });
}
