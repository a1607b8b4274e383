// The state of a space's page: its sources, this person's identity, and the speaking part once loaded.

import type { Clock } from "@hustings/flow/clock.ts";
import type { ErrorCode } from "@hustings/wire/errors.ts";
import type { PersonId, SpaceId } from "@hustings/wire/ids.ts";
import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import { roleIn } from "@hustings/wire/log/roles.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import type { Command } from "@hustings/wire/stage/commands.ts";
import { adoptHostLink, type Identity, identityIn } from "../account/identity.ts";
import { codeOf, requestJson } from "../request-json.ts";
import type { Speaking } from "../speaking/speaking.svelte.ts";
import { openTabs, type Tabs } from "../tabs.ts";
import { LevelRings } from "./level-rings.ts";
import { Listening } from "./listening.svelte.ts";
import { type Permissions, permissionsOf } from "./permissions.ts";
import { RoomWatch } from "./room-watch.svelte.ts";
import { type Facts, type Situation, situationOf } from "./situation.ts";
import { type SpaceView, viewOf } from "./space-view.ts";

export interface Me {
  /** True even before the state of the space is known. */
  readonly holdsHostLink: boolean;
  readonly person: PersonId | undefined;
  readonly name: string | undefined;
}

const NOBODY: Me = { holdsHostLink: false, person: undefined, name: undefined };
const EMPTY_QUEUE = { count: 0, estimateMs: null };

export class SpacePage {
  readonly id: SpaceId;
  readonly clock: Clock;
  readonly identity: Identity;
  readonly room: RoomWatch;
  readonly listening: Listening;
  readonly tabs: Tabs;
  readonly rings: LevelRings;
  me = $state.raw<Me>(NOBODY);
  refusal = $state.raw<ErrorCode | undefined>();
  isOnline = $state.raw(navigator.onLine);
  speaking = $state.raw<Speaking | undefined>();
  managedSeat = $state.raw<number | undefined>();
  #loading: Promise<Speaking> | undefined;

  readonly view: SpaceView | undefined = $derived.by(() => {
    const { view, delivery } = this.listening;
    const { room } = this;
    return viewOf({
      stage: this.speaking?.stageState,
      ear:
        view.isListening && (delivery === "push" || !room.document)
          ? { state: view.state, audience: view.audience }
          : undefined,
      room: room.document,
    });
  });

  readonly facts: Facts = $derived.by(() => {
    const { listening, room, view, isOnline } = this;
    const { isListening, link, ear, waiting } = listening.view;
    const { stale: isStale = false, tier = "push", line = EMPTY_QUEUE } = room.document ?? {};
    const { refusal, lagMs, usualLagMs, delivery } = listening;
    const door = { problem: room.problem, isStale, tier, line, refusal };
    return { view, ...door, isOnline, isListening, link, ear, waiting, delivery, lagMs, usualLagMs };
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
  /** This person's seat, in any tab or device. */
  readonly ownSeat = $derived(
    this.view?.people.find(({ person }) => person !== undefined && person === this.me.person),
  );

  /** The stage keeps a seat for this person, or just did, and this page has not taken it. */
  readonly mayReturn = $derived(
    !this.isSeated &&
      this.speaking?.isSeatLost === false &&
      (this.ownSeat !== undefined || this.#mayHaveSeat(this.me.name)),
  );

  /** Most likely the same person, in another tab or device. */
  readonly isSeatedElsewhere = $derived(this.mayReturn && this.#seatByName(this.me.name)?.present === true);

  constructor(id: SpaceId, clock: Clock) {
    this.id = id;
    this.clock = clock;
    adoptHostLink(id, location, history, localStorage);
    this.identity = identityIn(id, localStorage, clock);
    this.listening = new Listening(id, clock, () => this.room.refreshSoon());
    this.room = new RoomWatch(id, clock, (room) => this.listening.updateRoom(room));
    this.rings = new LevelRings(() => this.#levels(), clock);
    this.tabs = openTabs(id, () => this.listening.view.isListening && this.listening.stop());
    addEventListener("online", this.#onNetwork);
    addEventListener("offline", this.#onNetwork);
    if (this.identity.credential !== undefined) void this.loadIdentity();
  }

  /** Never throws. */
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

  loadSpeaking(): Promise<Speaking> {
    this.#loading ??= import("../speaking/speaking.svelte.ts").then(({ Speaking }) => {
      const speaking = new Speaking(this);
      this.speaking = speaking;
      return speaking;
    });
    return this.#loading;
  }

  /** Throws Refusal. */
  async introduce(name: string): Promise<void> {
    await this.identity.introduce(name);
    this.me = { ...this.#known(), name };
  }

  #known(): Me {
    const { credential, person, name } = this.identity;
    return { holdsHostLink: credential === "host-link", person, name };
  }

  /** Sends by data channel, or over HTTP without a seat. Sets `refusal` when it returns false. */
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
    removeEventListener("online", this.#onNetwork);
    removeEventListener("offline", this.#onNetwork);
    this.speaking?.close();
    this.room.close();
    this.listening.close();
    this.tabs.close();
  }

  #onNetwork = (): void => {
    this.isOnline = navigator.onLine;
  };

  #levels(): readonly SeatLevel[] {
    return this.speaking?.hasSeat ? this.speaking.levels : this.listening.levels();
  }

  /** After a reload only names can be compared: the room document has no person ids. */
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
