// Owns this page's speaking: microphone, seat, what the stage says on its channel, and the others' voices. Loaded only
// where somebody speaks. Refuses to draw, and to know who may do what.

import { type Clock, repeat, type Timer } from "@hustings/flow/clock.ts";
import {
  isMicrophoneAllowed,
  type Microphone,
  type MicrophoneProblem,
  microphoneProblem,
  NoMicrophone,
  openMicrophone,
} from "@hustings/speaker/browser/microphone.ts";
import { type SeatPhase, type StageSeat, takeSeat } from "@hustings/speaker/browser/seat.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { PersonId, SpaceId } from "@hustings/wire/ids.ts";
import type { RoomDocument } from "@hustings/wire/listen/room-document.ts";
import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import { foldAll, type Phase, type SpaceState } from "@hustings/wire/log/state.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import type { Command } from "@hustings/wire/stage/commands.ts";
import type { StageMessage } from "@hustings/wire/stage/data-channel.ts";
import { requestJson } from "../request-json.ts";
import { seatSentence } from "./seat-status.ts";

const ROOM_AGE_MS = 1_200;
const WATCH_EVERY_MS = 1_000;
/** An open microphone without a trace of sound for this long is told to be silent. */
const SILENT_AFTER_MS = 10_000;
const SILENT_LEVEL = 0.02;

/** The parts of a space's page that speaking uses. */
export interface SpeakingPage {
  readonly id: SpaceId;
  readonly clock: Clock;
  readonly identity: { ticket(): Promise<string> };
  readonly me: { readonly person: PersonId | undefined };
  readonly may: { readonly takeSeatUninvited: boolean };
  readonly view: { readonly phase: Phase } | undefined;
  readonly room: { readonly document: RoomDocument | undefined; refresh(): Promise<void> };
  readonly listening: { stop(): void };
  readonly tabs: { announceSeat(): void };
}

export class Speaking {
  microphone = $state.raw<Microphone | undefined>();
  problem = $state.raw<MicrophoneProblem | undefined>(microphoneProblem());
  seat = $state.raw<SeatPhase | undefined>();
  /** What the stage says of the space, while there is a seat. */
  stageState = $state.raw<{ readonly state: SpaceState; readonly audience: number } | undefined>();
  isMicrophoneSilent = $state(false);
  /** The browser wants a tap before it plays the others' voices. */
  isSoundBlocked = $state(false);
  /** Before they are heard; not reactive, read on every frame. */
  levels: readonly SeatLevel[] = [];

  readonly hasSeat = $derived(this.seat !== undefined && this.seat.kind !== "over");
  readonly own = $derived(this.stageState?.state.seats.find(({ person }) => person === this.#page.me.person));
  readonly isMuted = $derived(this.own?.muted !== false);
  /** The seat is gone and does not come back by trying. */
  readonly isSeatLost = $derived(this.seat?.kind === "over" && this.seat.why !== "replaced");
  /** The line beside the microphone. */
  readonly sentence = $derived.by(() => {
    const { seat, isMuted, own } = this;
    const phase = this.#page.view?.phase ?? "created";
    const mutedBy = own?.mutedBy ?? "self";
    return seatSentence({ seat, phase, isMuted, mutedBy, isHost: this.#page.may.takeSeatUninvited });
  });

  readonly #page: SpeakingPage;
  readonly #key: string;
  readonly #sound = new Audio();
  #stageSeat: StageSeat | undefined;
  #seated = Promise.withResolvers<void>();
  #watch: Timer | undefined;
  #silentSinceMs: number | undefined;

  constructor(page: SpeakingPage) {
    this.#page = page;
    this.#key = `hustings.seat.${page.id}`;
    addEventListener("online", this.#again);
    navigator.mediaDevices?.addEventListener("devicechange", this.#devicesChanged);
    document.addEventListener("visibilitychange", this.#soundAgain);
  }

  /** Opens the microphone, or another one. False, and `problem`, when there is none. */
  async setUpMicrophone(deviceId?: string): Promise<boolean> {
    try {
      const before = this.microphone;
      const microphone = await openMicrophone(deviceId);
      await this.#stageSeat?.replaceMicrophone(microphone.stream);
      microphone.open(!this.isMuted);
      this.microphone = microphone;
      this.problem = undefined;
      before?.[Symbol.dispose]();
      return true;
    } catch (error) {
      this.problem = error instanceof NoMicrophone ? error.problem : "unsupported";
      return false;
    }
  }

  /** Microphone and seat, as far as they are missing. Resolves once seated; throws Refusal, or NoMicrophone. */
  async take(): Promise<void> {
    if (!this.microphone && !(await this.setUpMicrophone())) throw new NoMicrophone(this.problem ?? "unsupported");
    const { microphone } = this;
    if (this.hasSeat || !microphone) return this.#seated.promise;
    this.#page.listening.stop();
    this.#page.tabs.announceSeat();
    this.#seated = Promise.withResolvers();
    this.#seated.promise.catch(() => undefined);
    this.seat = { kind: "connecting" };
    this.#stageSeat = takeSeat({
      whipUrls: this.#whipUrls(),
      ticket: () => this.#page.identity.ticket(),
      microphone: microphone.stream,
      clock: this.#page.clock,
      onPhase: (phase) => this.#phase(phase),
      onDown: (message) => this.#down(message),
      onSound: (sound) => this.#play(sound),
    });
    this.#watch ??= repeat(this.#page.clock, WATCH_EVERY_MS, () => this.#listenToSelf());
    return this.#seated.promise;
  }

  /** Whether this very tab held the seat before it was loaded anew. */
  get hadSeatInThisTab(): boolean {
    return sessionStorage.getItem(this.#key) !== null;
  }

  /** Takes the seat by itself where the browser allows the microphone without asking; false where a tap is needed. */
  async retakeSeat(): Promise<boolean> {
    if (!(await isMicrophoneAllowed())) return false;
    return this.take().then(
      () => true,
      () => false,
    );
  }

  /** From the green room to air, with an open microphone. */
  async goLive(): Promise<void> {
    await this.take();
    await this.command({ do: "live" });
    await this.mute(false);
  }

  async mute(isMuted: boolean): Promise<void> {
    const { own } = this;
    if (!own) throw new Refusal("not-seated");
    this.microphone?.open(!isMuted);
    try {
      await this.command({ do: "mute", seat: own.seat, muted: isMuted });
    } catch (error) {
      this.microphone?.open(!this.isMuted);
      throw error;
    }
  }

  /** By the seat's channel; where that does not answer, by the stage's port and then by the door. */
  async command(command: Command): Promise<void> {
    try {
      if (!this.#stageSeat) throw new Refusal("stage-away");
      await this.#stageSeat.command(command);
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== "stage-away") throw error;
      // The stage said goodbye because of this very command.
      if (this.seat?.kind === "over") return;
      const ticket = await this.#page.identity.ticket();
      await requestJson(ROUTES.commands(this.#page.id), { method: "POST", body: command, ticket });
    }
  }

  /** Leaves the stage for good, or until invited anew. */
  async leave(): Promise<void> {
    await this.command({ do: "leave" });
    if (this.hasSeat) this.#end({ kind: "over", why: "left" });
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
    removeEventListener("online", this.#again);
    navigator.mediaDevices?.removeEventListener("devicechange", this.#devicesChanged);
    document.removeEventListener("visibilitychange", this.#soundAgain);
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

  #phase(phase: SeatPhase): void {
    if (phase.kind === "over") this.#end(phase);
    else this.seat = phase;
    if (phase.kind !== "seated") return;
    sessionStorage.setItem(this.#key, "taken");
    this.#seated.resolve();
  }

  #end(seat: SeatPhase | undefined): void {
    if (seat?.kind === "over") {
      sessionStorage.removeItem(this.#key);
      this.#seated.reject(new Refusal(refusalCode(seat.why)));
    }
    this.#stageSeat?.close();
    this.#stageSeat = undefined;
    this.#watch?.cancel();
    this.#watch = undefined;
    this.microphone?.[Symbol.dispose]();
    this.microphone = undefined;
    this.stageState = undefined;
    this.levels = [];
    this.#sound.srcObject = null;
    this.seat = seat;
    // The room document is a second old at most, and was asked for while there was a better source.
    if (seat) this.#page.clock.after(ROOM_AGE_MS, () => void this.#page.room.refresh());
  }

  #down(message: StageMessage): void {
    const audience = this.stageState?.audience ?? this.#page.room.document?.audience ?? 0;
    const state = this.stageState?.state;
    if (message.kind === "snapshot") this.stageState = { state: message.state, audience };
    if (message.kind === "state" && state) this.stageState = { state: foldAll(message.entries, state), audience };
    if (message.kind === "audience" && state) this.stageState = { state, audience: message.audience };
    if (message.kind === "levels") this.levels = message.levels;
    if (message.kind === "snapshot" || message.kind === "state") this.microphone?.open(!this.isMuted);
  }

  #play(sound: MediaStream): void {
    this.#sound.srcObject = sound;
    this.playSound();
  }

  #listenToSelf(): void {
    const nowMs = this.#page.clock.monotonicMs();
    const isOpen = !this.isMuted && this.microphone !== undefined;
    if (!isOpen || (this.microphone?.level() ?? 0) > SILENT_LEVEL) this.#silentSinceMs = undefined;
    else this.#silentSinceMs ??= nowMs;
    this.isMicrophoneSilent = this.#silentSinceMs !== undefined && nowMs - this.#silentSinceMs > SILENT_AFTER_MS;
  }

  /** The host link was replaced: the seat is taken anew as who the new one says, for the stage no longer heeds the old. */
  hostLinkReplaced(): void {
    this.#again();
  }

  /** A network that came back, or another one: the way over the old one is dead, whatever it says. */
  #again = (): void => this.#stageSeat?.reconnect();

  #soundAgain = (): void => {
    if (document.visibilityState === "visible" && this.#sound.srcObject && this.#sound.paused) this.playSound();
  };

  /** The microphone in use was unplugged: whichever the browser now takes for the first. */
  #devicesChanged = (): void => {
    const track = this.microphone?.stream.getAudioTracks()[0];
    if (track?.readyState === "ended") void this.setUpMicrophone();
  };
}

function refusalCode(why: (SeatPhase & { kind: "over" })["why"]): ConstructorParameters<typeof Refusal>[0] {
  return why === "left" || why === "replaced" ? "not-seated" : why;
}
