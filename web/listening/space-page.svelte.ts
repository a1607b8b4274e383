// Owns one space's page: its sources of truth side by side, who this browser is in it, and the lazily loaded part that
// speaks. Refuses to draw.

import type { Clock } from "@hustings/flow/clock.ts";
import { type ErrorCode, Refusal } from "@hustings/wire/errors.ts";
import type { PersonId, SpaceId } from "@hustings/wire/ids.ts";
import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import { roleIn } from "@hustings/wire/log/roles.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import type { Command } from "@hustings/wire/stage/commands.ts";
import { adoptHostLink, type Identity, identityIn } from "../account/identity.ts";
import { requestJson } from "../request-json.ts";
import type { Speaking } from "../speaking/speaking.svelte.ts";
import { openTabs, type Tabs } from "../tabs.ts";
import { LevelRings } from "./level-rings.ts";
import { Listening } from "./listening.svelte.ts";
import { type Permissions, permissionsOf } from "./permissions.ts";
import { RoomWatch } from "./room-watch.svelte.ts";
import { type Facts, type Situation, situationOf } from "./situation.ts";
import { type SpaceView, viewOf } from "./space-view.ts";

export interface Me {
  /** The host link is in this browser: its holder is the host, also before the state of the space is known. */
  readonly holdsHostLink: boolean;
  readonly person: PersonId | undefined;
  readonly name: string | undefined;
}

const NOBODY: Me = { holdsHostLink: false, person: undefined, name: undefined };
const NO_LINE = { count: 0, estimateMs: null };

export class SpacePage {
  readonly id: SpaceId;
  readonly clock: Clock;
  readonly identity: Identity;
  readonly room: RoomWatch;
  readonly listening: Listening;
  readonly tabs: Tabs;
  readonly rings: LevelRings;
  me = $state.raw<Me>(NOBODY);
  /** Why the last action was refused; told once, in words. */
  refusal = $state.raw<ErrorCode | undefined>();
  isOnline = $state.raw(navigator.onLine);
  speaking = $state.raw<Speaking | undefined>();
  /** The seat whose speaker the host is about to mute or to remove. */
  managedSeat = $state.raw<number | undefined>();
  #loading: Promise<Speaking> | undefined;

  readonly view: SpaceView | undefined = $derived.by(() => {
    const { view, way } = this.listening;
    const { room } = this;
    return viewOf({
      stage: this.speaking?.stageState,
      ear:
        view.isListening && (way === "push" || !room.document)
          ? { state: view.state, audience: view.audience }
          : undefined,
      room: room.document,
    });
  });

  readonly facts: Facts = $derived.by(() => {
    const { listening, room, view, isOnline } = this;
    const { isListening, link, ear, waiting } = listening.view;
    const { stale: isStale = false, tier = "push", line = NO_LINE } = room.document ?? {};
    const { refusal, lagMs, usualLagMs, way } = listening;
    const door = { problem: room.problem, isStale, tier, line, refusal };
    return { view, ...door, isOnline, isListening, link, ear, waiting, way, lagMs, usualLagMs };
  });

  readonly situation: Situation = $derived(situationOf(this.facts));
  readonly may: Permissions = $derived.by(() => {
    const { holdsHostLink, person } = this.me;
    const { hostPerson, people: seats = [] } = this.view ?? {};
    return permissionsOf(
      roleIn({ host: { person: hostPerson }, seats }, person) ?? (holdsHostLink ? "host" : undefined),
    );
  });
  readonly isSeated = $derived(this.speaking?.hasSeat === true);
  readonly isHandUp = $derived(this.#isNamedIn(this.view?.hands));
  readonly isInvited = $derived(this.#isNamedIn(this.view?.invites));
  /** The stage keeps a seat for this person, wherever it is taken. */
  readonly ownSeat = $derived(
    this.view?.people.find(({ person }) => person !== undefined && person === this.me.person),
  );

  /** A seat is kept for this person, or was until a moment ago, and is not taken by this page. */
  readonly mayReturn = $derived(
    !this.isSeated &&
      this.speaking?.isSeatLost === false &&
      (this.ownSeat !== undefined || this.#mayHaveSeat(this.me.name)),
  );

  /** Their seat is taken at this moment, from another tab or device as it seems. */
  readonly isSeatedElsewhere = $derived(this.mayReturn && this.#seatByName(this.me.name)?.present === true);

  constructor(id: SpaceId, clock: Clock) {
    this.id = id;
    this.clock = clock;
    adoptHostLink(id, location, history, localStorage);
    this.identity = identityIn(id, localStorage, clock);
    this.listening = new Listening(id, clock, () => this.room.soon());
    this.room = new RoomWatch(id, clock, (room) => this.listening.tell(room));
    this.rings = new LevelRings(() => this.#levels(), clock);
    this.tabs = openTabs(id, () => this.listening.view.isListening && this.listening.stop());
    addEventListener("online", this.#network);
    addEventListener("offline", this.#network);
    if (this.identity.credential !== undefined) void this.loadIdentity();
  }

  /** Who this browser is, as its pass or host link says. Never throws. */
  async loadIdentity(): Promise<void> {
    const asHost = this.identity.credential === "host-link";
    this.me = { ...this.me, holdsHostLink: asHost };
    try {
      await this.identity.ticket();
      this.me = this.#known();
      if (this.may.takeSeatUninvited || this.#mayHaveSeat(this.me.name)) await this.loadSpeaking();
    } catch (error) {
      if (asHost) this.refusal = codeOf(error);
      if (this.identity.credential !== "host-link") this.me = NOBODY;
    }
  }

  /** Loads what speaking needs; the listener's page does without. */
  loadSpeaking(): Promise<Speaking> {
    this.#loading ??= import("../speaking/speaking.svelte.ts").then(({ Speaking }) => {
      const speaking = new Speaking(this);
      this.speaking = speaking;
      return speaking;
    });
    return this.#loading;
  }

  /** Becomes a guest of that name, once. Throws Refusal. */
  async introduce(name: string): Promise<void> {
    await this.identity.introduce(name);
    this.me = { ...this.#known(), name };
  }

  #known(): Me {
    const { credential, person, name } = this.identity;
    return { holdsHostLink: credential === "host-link", person, name };
  }

  /** Carries out a command by the seat's channel, or by the door. False and `refusal` when it was refused. */
  async send(command: Command): Promise<boolean> {
    this.refusal = undefined;
    try {
      if (this.speaking?.hasSeat) await this.speaking.command(command);
      else {
        const ticket = await this.identity.ticket();
        await requestJson(ROUTES.commands(this.id), { method: "POST", body: command, ticket });
        void this.room.refresh();
      }
      return true;
    } catch (error) {
      this.refusal = codeOf(error);
      return false;
    }
  }

  close(): void {
    removeEventListener("online", this.#network);
    removeEventListener("offline", this.#network);
    this.speaking?.close();
    this.room.close();
    this.listening.close();
    this.tabs.close();
  }

  #network = (): void => {
    this.isOnline = navigator.onLine;
  };

  #levels(): readonly SeatLevel[] {
    return this.speaking?.hasSeat ? this.speaking.levels : this.listening.levels();
  }

  /** A guest's page that was loaded anew: the room document has names alone. */
  #mayHaveSeat(name: string | undefined): boolean {
    return this.#seatByName(name) !== undefined;
  }

  #seatByName(name: string | undefined): { readonly present: boolean } | undefined {
    return this.ownSeat ?? this.room.document?.speakers.find((speaker) => speaker.name === name);
  }

  #isNamedIn(list: readonly { readonly person: PersonId }[] | undefined): boolean {
    return this.me.person !== undefined && list?.some(({ person }) => person === this.me.person) === true;
  }
}

export function codeOf(error: unknown): ErrorCode {
  return error instanceof Refusal ? error.code : "internal";
}
