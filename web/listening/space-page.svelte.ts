// The state of a space's page: its sources, this person's identity, and the speaking part once loaded.

import type { Clock } from "@hustings/flow/clock.ts";
import type { SeatPhase } from "@hustings/speaker/browser/seat.ts";
import { type ErrorCode, Refusal } from "@hustings/wire/errors.ts";
import type { PersonId, SpaceId } from "@hustings/wire/ids.ts";
import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import { roleIn } from "@hustings/wire/log/roles.ts";
import type { Command } from "@hustings/wire/stage/commands.ts";
import type { BrowserStore } from "../account/browser-store.ts";
import { adoptHostLink, credentialIn } from "../account/credential.ts";
import type { Identity } from "../account/identity.ts";
import { codeOf } from "../request-json.ts";
import type { Speaking } from "../speaking/speaking.svelte.ts";
import { openTabs, type Tabs } from "../tabs.ts";
import { LevelRings } from "./level-rings.ts";
import { Listening } from "./listening.svelte.ts";
import { type Look, lookOf, type Seating } from "./look.ts";
import { type Permissions, permissionsOf } from "./permissions.ts";
import { RoomWatch } from "./room-watch.svelte.ts";
import { type Facts, type Situation, situationOf } from "./situation.ts";
import { heardViewOf, type SpaceView } from "./space-view.ts";

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
  readonly store: BrowserStore;
  readonly room: RoomWatch;
  readonly listening: Listening;
  readonly tabs: Tabs;
  readonly rings: LevelRings;
  me = $state.raw<Me>(NOBODY);
  refusal = $state.raw<ErrorCode | undefined>();
  /** The host link with which this page was opened, or which made this person the host, does not work. */
  isHostLinkDead = $state.raw(false);
  isOnline = $state.raw(navigator.onLine);
  speaking = $state.raw<Speaking | undefined>();
  managedSeat = $state.raw<number | undefined>();
  #loading: Promise<Speaking> | undefined;
  #identity: Promise<Identity> | undefined;

  readonly view: SpaceView | undefined = $derived.by(() => {
    const { view, delivery } = this.listening;
    const { room } = this;
    const { isListening, link, ear, state, audience } = view;
    const isHeard = (isListening || ear === "finished") && (delivery === "push" || !room.document);
    const sources = {
      stage: this.speaking?.stageState,
      ear: isHeard ? { state, audience } : undefined,
      room: room.document,
    };
    return heardViewOf(sources, link, ear);
  });

  readonly facts: Facts = $derived.by(() => {
    const { listening, room, view, isOnline } = this;
    const { isListening, link, ear, waiting } = listening.view;
    const { stale: isStale = false, tier = "push", line = EMPTY_QUEUE } = room.document ?? {};
    const { refusal, lagMs, usualLagMs, delivery } = listening;
    const door = { problem: room.problem, isStale, tier, line, refusal };
    return {
      view,
      ...door,
      isOnline,
      isListening,
      link,
      ear,
      waiting,
      delivery,
      lagMs,
      usualLagMs,
      isUnanswered: listening.unanswered > 1,
    };
  });

  readonly situation: Situation = $derived(situationOf(this.facts));
  readonly look: Look = $derived(lookOf(this.facts, seatingOf(this.speaking?.seat), this.situation));
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

  constructor(id: SpaceId, clock: Clock, store: BrowserStore) {
    this.id = id;
    this.clock = clock;
    this.store = store;
    adoptHostLink(id, location, history, store);
    this.listening = new Listening(id, clock, () => this.room.refreshSoon());
    this.room = new RoomWatch(id, clock, (room) => this.listening.updateRoom(room));
    this.rings = new LevelRings(() => this.#levels(), clock);
    this.tabs = openTabs(id, () => this.listening.view.isListening && this.listening.stop());
    addEventListener("online", this.#onNetwork);
    addEventListener("offline", this.#onNetwork);
    if (credentialIn(id, store) !== undefined) void this.loadIdentity();
  }

  /** Never throws. */
  async loadIdentity(): Promise<void> {
    const asHost = credentialIn(this.id, this.store) === "host-link";
    this.me = { ...this.me, holdsHostLink: asHost };
    try {
      const identity = await this.identity();
      await identity.ticket();
      this.me = this.#known(identity);
      if (this.may.takeSeatUninvited || this.#mayHaveSeat(this.me.name)) await this.loadSpeaking();
    } catch (error) {
      if (asHost && !this.isHostLinkDead) this.refusal = codeOf(error);
      if (credentialIn(this.id, this.store) !== "host-link") this.me = NOBODY;
    }
  }

  /** Listeners do not need this code. Throws Refusal. */
  identity(): Promise<Identity> {
    this.#identity ??= import("../account/identity.ts").then(
      ({ identityIn }) => identityIn(this.id, this.store, this.clock, () => this.#loseHostLink()),
      (cause: unknown) => {
        this.#identity = undefined;
        throw new Refusal("stage-away", undefined, { cause });
      },
    );
    return this.#identity;
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
    const identity = await this.identity();
    await identity.introduce(name);
    this.me = { ...this.#known(identity), name };
  }

  #loseHostLink(): void {
    this.isHostLinkDead = true;
    this.me = NOBODY;
    this.managedSeat = undefined;
    this.speaking?.close();
    this.speaking = this.#loading = undefined;
  }

  #known({ person, name }: Identity): Me {
    return { holdsHostLink: credentialIn(this.id, this.store) === "host-link", person, name };
  }

  /** Sends by data channel, or over HTTP without a seat. Sets `refusal` when it returns false. */
  async send(command: Command): Promise<boolean> {
    this.refusal = undefined;
    try {
      if (this.speaking?.hasSeat) await this.speaking.command(command);
      else {
        await (await this.identity()).command(command);
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

function seatingOf(seat: SeatPhase | undefined): Seating {
  if (seat?.kind !== "over") return seat?.kind;
  return seat.why === "removed" ? "removed" : undefined;
}
