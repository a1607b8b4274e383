// Decides every command, for every role, in every phase. Pure: says what to write, and writes nothing.

import type { TicketClaims } from "@hustings/wire/api/tickets.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { PersonId } from "@hustings/wire/ids.ts";
import type { BackstageChange } from "@hustings/wire/log/lanes.ts";
import { roleIn } from "@hustings/wire/log/roles.ts";
import {
  MAX_HANDS,
  MAX_INVITES,
  type NamedPerson,
  type Seat,
  type SpaceState,
  type StateChange,
} from "@hustings/wire/log/state.ts";
import { looksLike } from "@hustings/wire/look-alike.ts";
import type { Command } from "@hustings/wire/stage/commands.ts";
import { MAX_SEATS } from "@hustings/wire/units.ts";

/** A person, from the checked ticket. Permissions follow from the state. */
export type Actor = Pick<TicketClaims, "person" | "name" | "generation">;

export interface Facts {
  /** Removed and not invited again, with their names. */
  readonly barred: ReadonlyMap<PersonId, string>;
}

/** The entries are written in this order. Empty: already as asked, "done". */
export interface Decision {
  readonly state: readonly StateChange[];
  readonly backstage: readonly BackstageChange[];
}

export const HOST_SEAT = 0;

/** When to try again while as many hands are raised as there may be. */
const FULL_RETRY_MS = 30_000;

const NOTHING: Decision = { state: [], backstage: [] };

/** Throws a Refusal, in this order: `ticket-revoked`, `ticket-invalid`, `ended`, then the command's own. */
export function decide(state: SpaceState, facts: Facts, actor: Actor, command: Command): Decision {
  assertActor(state, actor);
  if (state.phase === "ended" && !(command.do === "end" && isHost(state, actor))) throw new Refusal("ended");
  switch (command.do) {
    case "live":
    case "end":
    case "title":
    case "hands":
    case "lower":
    case "invite":
    case "uninvite":
    case "remove":
      if (!isHost(state, actor)) throw new Refusal("host-only");
      return decideAsHost(state, facts, actor, command);
    case "hand":
      return decideHand(state, facts, actor, command.up);
    case "accept":
      return decideSeat(state, facts, actor);
    case "decline":
      if (!isNamed(state.invites, actor.person)) throw new Refusal("not-invited");
      return only({ kind: "uninvited", person: actor.person });
    case "leave": {
      const { seat } = seatOf(state, actor.person) ?? refuse("not-seated");
      return only({ kind: "left", seat, why: "stepped-down" });
    }
    case "mute":
      return decideMute(state, actor, command.seat, command.muted);
  }
}

/**
 * The host on HOST_SEAT, an invited person on the lowest free seat; nothing if already seated. Throws as `decide`, and
 * `removed`, `not-invited`, `name-taken` under another name than the invited one, `stage-full`.
 */
export function decideSeat(state: SpaceState, facts: Facts, actor: Actor): Decision {
  assertActor(state, actor);
  if (state.phase === "ended") throw new Refusal("ended");
  const { person, name } = actor;
  if (seatOf(state, person) !== undefined) return NOTHING;
  if (isHost(state, actor)) return only({ kind: "seated", seat: HOST_SEAT, person, name, role: "host" });
  if (!isNamed(state.invites, person)) throw new Refusal(facts.barred.has(person) ? "removed" : "not-invited");
  if (namedIn(state.invites, person)?.name !== name) assertOwnName(state, actor);
  const taken = new Set(state.seats.map(({ seat }) => seat));
  const seat = GUEST_SEATS.find((number) => !taken.has(number));
  if (seat === undefined) throw new Refusal("stage-full");
  return only({ kind: "seated", seat, person, name, role: "speaker" });
}

const GUEST_SEATS = Array.from({ length: MAX_SEATS }, (_, seat) => seat).filter((seat) => seat !== HOST_SEAT);

/** Throws `ticket-revoked` for a replaced host link, `ticket-invalid` if the ticket is not for this space's host. */
export function assertActor(state: SpaceState, { generation, person }: Actor): void {
  if (generation === 0) return;
  if (generation < state.hostLinkGeneration) throw new Refusal("ticket-revoked");
  if (generation > state.hostLinkGeneration || person !== state.host?.person) throw new Refusal("ticket-invalid");
}

/** Throws as `assertActor`, and `host-only`. */
export function assertHost(state: SpaceState, actor: Actor): void {
  assertActor(state, actor);
  if (!isHost(state, actor)) throw new Refusal("host-only");
}

export function isHost(state: SpaceState, { person }: Pick<Actor, "person">): boolean {
  return roleIn(state, person) === "host";
}

export function seatOf(state: SpaceState, person: PersonId): Seat | undefined {
  return state.seats.find((seat) => seat.person === person);
}

type HostCommand = Extract<
  Command,
  { do: "live" | "end" | "title" | "hands" | "lower" | "invite" | "uninvite" | "remove" }
>;

function decideAsHost(state: SpaceState, facts: Facts, actor: Actor, command: HostCommand): Decision {
  switch (command.do) {
    case "live":
      return state.phase === "live" ? NOTHING : acted(actor, command.do, { kind: "live" });
    case "end":
      return state.phase === "ended" ? NOTHING : acted(actor, command.do, { kind: "ended" });
    case "title":
      return state.title === command.title ? NOTHING : only({ kind: "title", title: command.title });
    case "hands": {
      const { open } = command;
      if (state.handsOpen === open) return NOTHING;
      return acted(actor, open ? "open hands" : "close hands", { kind: "hands", open });
    }
    case "lower": {
      const { person, name } = namedIn(state.hands, command.person) ?? refuse("no-person");
      return acted(actor, `lower ${person}`, { kind: "hand", person, name, up: false });
    }
    case "uninvite": {
      const { person } = namedIn(state.invites, command.person) ?? refuse("no-person");
      return acted(actor, `uninvite ${person}`, { kind: "uninvited", person });
    }
    case "invite":
      return decideInvite(state, facts, actor, command.person);
    case "remove":
      return decideRemove(state, actor, command.seat);
  }
}

function decideInvite(state: SpaceState, facts: Facts, actor: Actor, invitee: PersonId): Decision {
  if (isNamed(state.invites, invitee)) return NOTHING;
  if (seatOf(state, invitee) !== undefined) throw new Refusal("conflict", "They are already on the stage.");
  const { person, name } = namedIn(state.hands, invitee) ?? barredPerson(facts, invitee) ?? refuse("no-person");
  if (state.invites.length >= MAX_INVITES)
    throw new Refusal("conflict", `At most ${MAX_INVITES} invitations can be open.`);
  const decision = acted(actor, `invite ${person}`, { kind: "invited", person, name });
  if (!facts.barred.has(person)) return decision;
  return { ...decision, backstage: [{ kind: "unbarred", person }, ...decision.backstage] };
}

function barredPerson({ barred }: Facts, person: PersonId): NamedPerson | undefined {
  const name = barred.get(person);
  return name === undefined ? undefined : { person, name };
}

/** A host may remove their own seat, which ends every call in it, and is not barred by that. */
function decideRemove(state: SpaceState, actor: Actor, number: number): Decision {
  const { seat, person, name } = state.seats.find((one) => one.seat === number) ?? refuse("no-person");
  const decision = acted(actor, `remove ${person}`, { kind: "left", seat, why: "removed" });
  if (person === actor.person) return decision;
  return { ...decision, backstage: [{ kind: "barred", person, name }, ...decision.backstage] };
}

function decideHand(state: SpaceState, { barred }: Facts, actor: Actor, up: boolean): Decision {
  const { person, name } = actor;
  const isUp = isNamed(state.hands, person);
  if (!up) return isUp ? only({ kind: "hand", person, name, up }) : NOTHING;
  if (isUp || isNamed(state.invites, person)) return NOTHING;
  if (isHost(state, actor)) throw new Refusal("conflict", "The host needs no raised hand.");
  if (seatOf(state, person) !== undefined) throw new Refusal("conflict", "You are on the stage already.");
  if (barred.has(person)) throw new Refusal("removed");
  if (!state.handsOpen) throw new Refusal("hands-closed");
  if (state.hands.length >= MAX_HANDS) {
    throw new Refusal("too-many-hands", `${MAX_HANDS} hands are raised already.`, { retryAfterMs: FULL_RETRY_MS });
  }
  assertOwnName(state, actor);
  return only({ kind: "hand", person, name, up });
}

/** Nobody may look like the host or a person on the stage. The host knows a person under the name that they invited. */
function assertOwnName({ host, seats }: SpaceState, { person, name }: Actor): void {
  for (const other of host === undefined ? seats : [host, ...seats])
    if (other.person !== person && looksLike(other.name, name)) throw new Refusal("name-taken");
}

function decideMute(state: SpaceState, actor: Actor, number: number, muted: boolean): Decision {
  const { seat, person, muted: isMuted } = state.seats.find((one) => one.seat === number) ?? refuse("no-person");
  const isSelf = person === actor.person;
  if (!isSelf && !isHost(state, actor)) throw new Refusal("host-only");
  if (!isSelf && !muted) throw new Refusal("self-only");
  if (isMuted === muted) return NOTHING;
  if (isSelf) return only({ kind: "muted", seat, muted, by: "self" });
  return acted(actor, `mute ${person}`, { kind: "muted", seat, muted, by: "host" });
}

/** Throws as `assertActor`, and `host-only` for anybody but the host. */
function acted(actor: Actor, what: string, change: StateChange): Decision {
  return { state: [change], backstage: [{ kind: "acted", by: actor.person, what, stateSeq: 0 }] };
}

function only(change: StateChange): Decision {
  return { state: [change], backstage: [] };
}

function namedIn<T extends { readonly person: PersonId }>(list: readonly T[], person: PersonId): T | undefined {
  return list.find((one) => one.person === person);
}

function isNamed(list: readonly { readonly person: PersonId }[], person: PersonId): boolean {
  return namedIn(list, person) !== undefined;
}

function refuse(code: "no-person" | "not-seated"): never {
  throw new Refusal(code);
}
