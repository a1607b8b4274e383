// The state of a speaker's page: microphone, seat, stage and the others' sound. Loaded only for speakers.

import { type Clock, repeat, type Timer } from "@hustings/flow/clock.ts";
import {
  isMicrophoneAllowed,
  type Microphone,
  type MicrophoneCondition,
  type MicrophoneProblem,
  microphoneProblem,
  NoMicrophone,
} from "@hustings/speaker/browser/microphone.ts";
import { MicrophoneKeeper } from "@hustings/speaker/browser/microphone-keeper.ts";
import { type SeatPhase, type StageSeat, takeSeat } from "@hustings/speaker/browser/seat.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { PersonId, SpaceId } from "@hustings/wire/ids.ts";
import type { RoomDocument } from "@hustings/wire/listen/room-document.ts";
import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import { foldAll, type NamedPerson, type Phase, type SpaceState } from "@hustings/wire/log/state.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import type { Command } from "@hustings/wire/stage/commands.ts";
import type { StageMessage } from "@hustings/wire/stage/data-channel.ts";
import { type BrowserStore, openStore } from "../account/browser-store.ts";
import type { Identity } from "../account/identity.ts";
import { Absence } from "./absence.ts";
import { SoundOutput } from "./microphone/sound-output.svelte.ts";
import { noteSeat, pageLoad, takeSeatNote } from "./resume.ts";
import { seatStatusOf } from "./seat-status.ts";

const ROOM_LAG_MS = 1_200;
const CHECK_EVERY_MS = 1_000;
/** An open microphone without sound for this long is reported as silent. */
const SILENT_AFTER_MS = 10_000;
const SILENT_LEVEL = 0.02;
/** Another tab of this browser may have replaced the host link, and stores the new one as soon as it has it. */
const LINK_CHECK_MS = 5_000;

export interface SpeakingPage {
  readonly id: SpaceId;
  readonly clock: Clock;
  identity(): Promise<Identity>;
  readonly me: { readonly person: PersonId | undefined; readonly holdsHostLink: boolean };
  readonly may: { readonly takeSeatUninvited: boolean };
  readonly view: { readonly phase: Phase } | undefined;
  readonly room: { readonly document: RoomDocument | undefined; refresh(): Promise<void> };
  readonly listening: { listen(): void; stop(): void };
  readonly tabs: { announceSeat(): void };
}

export class Speaking {
  microphone = $state.raw<Microphone | undefined>();
  problem = $state.raw<MicrophoneProblem | undefined>(microphoneProblem());
  microphoneCondition = $state.raw<MicrophoneCondition>("working");
  seat = $state.raw<SeatPhase | undefined>();
  /** State from the data channel, while seated. */
  stageState = $state.raw<{ readonly state: SpaceState; readonly audience: number } | undefined>();
  /** For hosts: people who were removed and not invited again. */
  removed = $state.raw<readonly NamedPerson[]>([]);
  isMicrophoneSilent = $state(false);
  /** The browser plays the other speakers only after a tap. */
  isSoundBlocked = $state(false);
  /** How long the page stood still with an open microphone, until the person mutes or unmutes. */
  awayMs = $state.raw<number | undefined>();
  /** Where this person hears the others. */
  readonly output = new SoundOutput();
  /** Not reactive: LevelRings reads them on a timer. */
  levels: readonly SeatLevel[] = [];

  readonly hasSeat = $derived(this.seat !== undefined && this.seat.kind !== "over");
  readonly ownSeat = $derived(this.stageState?.state.seats.find(({ person }) => person === this.#page.me.person));
  /** Sound is sent only after an action of this visit that means to be heard, whatever the kept seat says. */
  #mayBeHeard = $state(false);
  readonly isMuted = $derived(this.ownSeat?.muted !== false || !this.#mayBeHeard);
  readonly isSeatLost = $derived(this.seat?.kind === "over" && this.seat.why !== "replaced");
  readonly status = $derived.by(() => {
    const { seat, isMuted, ownSeat, microphoneCondition: microphone } = this;
    const phase = this.#page.view?.phase ?? "created";
    const mutedBy = ownSeat?.mutedBy ?? "self";
    const { takeSeatUninvited: takesSeatUninvited } = this.#page.may;
    return seatStatusOf({ seat, phase, isMuted, mutedBy, microphone, takesSeatUninvited });
  });

  readonly #page: SpeakingPage;
  readonly #keeper: MicrophoneKeeper;
  readonly #absence: Absence;
  readonly #key: string;
  readonly #tabStore: BrowserStore = openStore(() => sessionStorage);
  /** This page held the seat when it was reloaded seconds ago, so it takes the seat again without a tap. */
  readonly mayResume: boolean;
  readonly #sound = new Audio();
  #stageSeat: StageSeat | undefined;
  #seated = Promise.withResolvers<void>();
  #microphoneCheck: Timer | undefined;
  #silentSinceMs: number | undefined;

  constructor(page: SpeakingPage) {
    this.#page = page;
    this.#absence = new Absence(page.clock);
    this.#key = `hustings.seat.${page.id}`;
    this.output.playOn(this.#sound);
    this.#keeper = new MicrophoneKeeper({
      clock: page.clock,
      onOpened: async (microphone) => {
        await this.#stageSeat?.replaceMicrophone(microphone.stream);
        microphone.open(!this.isMuted);
      },
      onChange: () => {
        ({ microphone: this.microphone, problem: this.problem, condition: this.microphoneCondition } = this.#keeper);
      },
    });
    this.mayResume = takeSeatNote(this.#key, pageLoad(), this.#tabStore);
    addEventListener("pagehide", this.#onHidden);
    addEventListener("online", this.#reconnect);
    navigator.mediaDevices?.addEventListener("devicechange", this.#onDevices);
    document.addEventListener("visibilitychange", this.#onVisible);
    document.addEventListener("resume", this.#onResume);
  }

  /** Opens the microphone, or switches to another one. Sets `problem` when it returns false. */
  setUpMicrophone(deviceId?: string): Promise<boolean> {
    return this.#keeper.use(deviceId);
  }

  /** Closes a microphone that was only tried out. */
  releaseMicrophone(): void {
    if (!this.hasSeat) this.#keeper.close();
  }

  /**
   * Opens the microphone and takes the seat, unless done already. A kept seat stays as it was, or is muted until the person
   * unmutes. Resolves once seated; throws Refusal or NoMicrophone.
   */
  async takeSeat(seat: "as-it-was" | "muted" = "as-it-was"): Promise<void> {
    if (!this.microphone && !(await this.setUpMicrophone())) throw new NoMicrophone(this.problem ?? "unsupported");
    const { microphone } = this;
    if (this.hasSeat || !microphone) return this.#seated.promise;
    this.#mayBeHeard = seat === "as-it-was";
    this.#page.listening.stop();
    this.#page.tabs.announceSeat();
    this.#seated = Promise.withResolvers();
    this.#seated.promise.catch(() => undefined);
    this.seat = { kind: "connecting" };
    this.#stageSeat = takeSeat({
      whipUrls: this.#whipUrls(),
      withTicket: async (action) => (await this.#page.identity()).withTicket(action),
      microphone: microphone.stream,
      clock: this.#page.clock,
      onPhase: (phase) => this.#onPhase(phase),
      onDown: (message) => this.#onMessage(message),
      onSound: (sound) => this.#play(sound),
    });
    this.#absence.reset();
    this.#microphoneCheck ??= repeat(this.#page.clock, CHECK_EVERY_MS, () => {
      this.#noticeAbsence();
      this.#checkMicrophone();
    });
    return this.#seated.promise;
  }

  /** Takes the seat again after a reload where the browser allows the microphone without asking. */
  async resumeSeat(): Promise<void> {
    if (this.mayResume && (await isMicrophoneAllowed())) await this.takeSeat().catch(() => undefined);
  }

  async goLive(): Promise<void> {
    await this.takeSeat();
    await this.command({ do: "live" });
    await this.mute(false);
  }

  async mute(isMuted: boolean): Promise<void> {
    const { ownSeat } = this;
    if (!ownSeat) throw new Refusal("not-seated");
    this.awayMs = undefined;
    if (!isMuted) this.#mayBeHeard = true;
    this.microphone?.open(!isMuted);
    try {
      await this.command({ do: "mute", seat: ownSeat.seat, muted: isMuted });
    } catch (error) {
      this.microphone?.open(!this.isMuted);
      throw error;
    }
  }

  /** Sends by data channel, else over HTTP. Throws Refusal. */
  async command(command: Command): Promise<void> {
    try {
      if (!this.#stageSeat) throw new Refusal("stage-away");
      await this.#stageSeat.command(command);
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== "stage-away") throw error;
      // The command itself ended the seat, so it was carried out.
      if (this.seat?.kind === "over") return;
      await (await this.#page.identity()).command(command);
    }
  }

  async leave(): Promise<void> {
    await this.command({ do: "leave" });
    if (this.hasSeat) this.#end({ kind: "over", why: "left" });
    this.#listenOn();
  }

  /** A person who leaves the stage goes on hearing the space. A host has no listener's bar, and so no way to stop it. */
  #listenOn(): void {
    if (!this.#page.may.takeSeatUninvited) this.#page.listening.listen();
  }

  playSound(): void {
    this.#sound.play().then(
      () => {
        this.isSoundBlocked = false;
      },
      (error: unknown) => {
        this.isSoundBlocked = error instanceof DOMException && error.name === "NotAllowedError";
      },
    );
  }

  close(): void {
    removeEventListener("online", this.#reconnect);
    navigator.mediaDevices?.removeEventListener("devicechange", this.#onDevices);
    document.removeEventListener("visibilitychange", this.#onVisible);
    document.removeEventListener("resume", this.#onResume);
    removeEventListener("pagehide", this.#onHidden);
    this.#stageSeat?.close();
    this.#end(undefined);
  }

  #whipUrls(): readonly string[] {
    const { id, room } = this.#page;
    const path = ROUTES.stage(id);
    const port = room.document?.stage.port;
    const door = location.origin + path;
    return port === undefined ? [door] : [`${location.protocol}//${location.hostname}:${port}${path}`, door];
  }

  #onPhase(phase: SeatPhase): void {
    if (phase.kind !== "over") this.seat = phase;
    else {
      this.#end(phase);
      if (phase.why === "removed") this.#listenOn();
      if (phase.why === "ticket-revoked") this.#checkHostLink();
    }
    if (phase.kind !== "seated") return;
    this.#seated.resolve();
  }

  #end(seat: SeatPhase | undefined): void {
    if (seat?.kind === "over") {
      this.#seated.reject(new Refusal(refusalCode(seat.why)));
    }
    this.#stageSeat?.close();
    this.#stageSeat = undefined;
    this.#microphoneCheck?.cancel();
    this.#microphoneCheck = undefined;
    this.#keeper.close();
    this.#mayBeHeard = false;
    this.awayMs = undefined;
    this.stageState = undefined;
    this.levels = [];
    this.removed = [];
    this.#sound.srcObject = null;
    this.seat = seat;
    // The room document lags the stage by a second; it must show the end of this seat.
    if (seat) this.#page.clock.after(ROOM_LAG_MS, () => void this.#page.room.refresh());
  }

  #onMessage(message: StageMessage): void {
    this.#noticeAbsence();
    const audience = this.stageState?.audience ?? this.#page.room.document?.audience ?? 0;
    const state = this.stageState?.state;
    if (message.kind === "snapshot") this.stageState = { state: message.state, audience };
    if (message.kind === "state" && state) this.stageState = { state: foldAll(message.entries, state), audience };
    if (message.kind === "state" && message.entries.some(({ kind }) => kind === "host-link")) this.#checkHostLink();
    if (message.kind === "audience" && state) this.stageState = { state, audience: message.audience };
    if (message.kind === "levels") this.levels = message.levels;
    if (message.kind === "removed") this.removed = message.people;
    if (message.kind === "snapshot" || message.kind === "state") this.microphone?.open(!this.isMuted);
    if (message.kind === "snapshot" && !this.#mayBeHeard && this.ownSeat?.muted === false) this.#tellMuted();
  }

  /** The stage's state follows what this page already does: it sends no sound. */
  #tellMuted(): void {
    const { ownSeat } = this;
    if (ownSeat) void this.command({ do: "mute", seat: ownSeat.seat, muted: true }).catch(() => undefined);
  }

  /** A person whose computer slept or whose page stood still may not know that they would be heard. */
  #noticeAbsence(): void {
    const awayMs = this.#absence.beat();
    if (awayMs === undefined || this.isMuted) return;
    this.#mayBeHeard = false;
    this.microphone?.open(false);
    this.awayMs = awayMs;
    if (this.seat?.kind === "seated") this.#tellMuted();
  }

  #play(sound: MediaStream): void {
    this.#sound.srcObject = sound;
    this.playSound();
  }

  #checkMicrophone(): void {
    const nowMs = this.#page.clock.monotonicMs();
    const isOpen = !this.isMuted && this.microphone !== undefined;
    if (!isOpen || (this.microphone?.level() ?? 0) > SILENT_LEVEL) this.#silentSinceMs = undefined;
    else this.#silentSinceMs ??= nowMs;
    this.isMicrophoneSilent = this.#silentSinceMs !== undefined && nowMs - this.#silentSinceMs > SILENT_AFTER_MS;
  }

  /** A page that the browser shows again later, from its cache, comes back muted. */
  #onHidden = (): void => {
    if (!this.hasSeat) return;
    noteSeat(this.#key, this.#page.clock.utcMs(), this.#tabStore);
    this.#mayBeHeard = false;
    this.microphone?.open(false);
  };

  /** If the host link that replaced the old one is not this person's, the page stops being the host's. */
  #checkHostLink(): void {
    if (!this.#page.me.holdsHostLink) return;
    const check = async (): Promise<void> => (await this.#page.identity()).renew();
    this.#page.clock.after(LINK_CHECK_MS, () => void check().catch(() => undefined));
  }

  get callId(): string | undefined {
    return this.#stageSeat?.callId;
  }

  /** The stage ended the call if it could not be named, because it was just reconnecting. */
  hostLinkReplaced(): void {
    if (this.seat?.kind === "over" && this.seat.why === "ticket-revoked") void this.takeSeat().catch(() => undefined);
  }

  /** After a network change the old connection is dead even if it still reports otherwise. */
  #reconnect = (): void => this.#stageSeat?.reconnect();

  #onResume = (): void => this.#noticeAbsence();

  #onVisible = (): void => {
    if (document.visibilityState === "visible" && this.#sound.srcObject && this.#sound.paused) this.playSound();
  };

  #onDevices = (): void => {
    this.#keeper.mend();
    void this.output.refresh();
  };
}

function refusalCode(why: (SeatPhase & { kind: "over" })["why"]): ConstructorParameters<typeof Refusal>[0] {
  return why === "left" || why === "replaced" ? "not-seated" : why;
}
