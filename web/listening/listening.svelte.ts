// Connects the page to the listener's player: no other file of the app uses it.

import { type Clock, repeat, type Timer } from "@hustings/flow/clock.ts";
import { type Delivery, PushOrPull } from "@hustings/listener/hls/push-or-pull.ts";
import type { LockScreen } from "@hustings/listener/player/lock-screen.ts";
import type { NativePlayer } from "@hustings/listener/player/native-player.ts";
import { createPlayer } from "@hustings/listener/player/playback.ts";
import type { Player, PlayerView } from "@hustings/listener/player/player.ts";
import { errorOfCloseCode } from "@hustings/listener/session/close-policy.ts";
import { type Transport, type WebSocketClass, webSocketTransport } from "@hustings/listener/session/transport.ts";
import type { ErrorCode } from "@hustings/wire/errors.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import type { RoomDocument } from "@hustings/wire/listen/room-document.ts";
import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import { ROUTES } from "@hustings/wire/routes.ts";

const LAG_EVERY_MS = 1_000;

/** `hustings.stats()` in the browser's console returns the player's measurements; tests read them there too. */
export class Listening {
  view = $state.raw() as PlayerView;
  /** The measured lag, and the lag without trouble; updated once a second while listening. */
  lagMs = $state.raw(0);
  usualLagMs = $state.raw(0);
  /** Seconds without an answer from the server, before the first sound. */
  unanswered = $state.raw(0);
  /** The error of the last close; `undefined`: the network dropped it, or a new connection is open. */
  refusal = $state.raw<ErrorCode | undefined>();
  /** By pull no state arrives with the sound, so the page relies on the room document. */
  delivery = $state.raw<Delivery>("push");
  readonly #clock: Clock;
  readonly #onPullFinished: () => void;
  readonly #hlsUrl: string;
  readonly #pushOrPull: PushOrPull;
  #player: Player;
  #native: Promise<void> | undefined;
  #nativePlayer: NativePlayer | undefined;
  #room: RoomDocument | undefined;
  #ticker: Timer | undefined;
  #lockScreen: Promise<LockScreen | undefined> | undefined;

  /** `onPullFinished`: the playlists have ended and everything was played. */
  constructor(id: SpaceId, clock: Clock, onPullFinished: () => void) {
    const address = location.origin.replace(/^http/, "ws");
    this.#clock = clock;
    this.#onPullFinished = onPullFinished;
    this.#hlsUrl = location.origin + ROUTES.hls(id);
    this.#pushOrPull = new PushOrPull({
      push: this.#transport,
      loadPull: () => import("@hustings/listener/hls/pull.ts"),
      hlsUrl: this.#hlsUrl,
      clock,
      onDelivery: (delivery) => {
        this.delivery = delivery;
        this.refusal = undefined;
      },
    });
    this.#player = createPlayer({
      url: address + ROUTES.listen(id),
      hlsUrl: this.#hlsUrl,
      holdUrl: ROUTES.hold,
      clock,
      transport: this.#pushOrPull.transport,
      onChange: () => this.#changed(),
    });
    this.view = this.#player.view();
    void this.#player.prepare();
    Object.assign(globalThis, { hustings: { stats: () => this.#player.stats() } });
  }

  /** Call inside the tap's event: browsers start sound only then. */
  listen(): void {
    this.#player.listen();
    this.#lockScreen ??= import("@hustings/listener/player/lock-screen.ts").then(
      ({ createLockScreen }) =>
        createLockScreen(
          () => this.listen(),
          () => this.#player.pause(),
        ),
      () => undefined,
    );
    void this.#showOnLockScreen();
    this.#ticker ??= repeat(this.#clock, LAG_EVERY_MS, () => {
      const { lagMs, usualLagMs, mouthToEarMs } = this.#player.stats();
      this.lagMs = Math.max(lagMs, mouthToEarMs.last ?? 0);
      this.usualLagMs = usualLagMs;
      this.#countUnanswered();
    });
  }

  #countUnanswered(): void {
    const { link, ear } = this.view;
    const isAnswered = ear !== "starting" || (link !== "connecting" && link !== "waiting-retry");
    this.unanswered = isAnswered ? 0 : this.unanswered + 1;
  }

  updateRoom(room: RoomDocument): void {
    this.#room = room;
    this.#pushOrPull.onRoom(room);
    this.#nativePlayer?.onRoom(room);
  }

  stop(): void {
    this.#ticker?.cancel();
    this.#ticker = undefined;
    this.lagMs = 0;
    this.#player.stop();
  }

  jumpToLive(): void {
    this.#player.jumpToLive();
  }

  levels(): readonly SeatLevel[] {
    return this.#player.levels();
  }

  close(): void {
    this.#ticker?.cancel();
    this.#player.close();
    void this.#lockScreen?.then((screen) => screen?.close());
  }

  #transport: Transport = (url, events) =>
    webSocketTransport(WebSocket as unknown as WebSocketClass)(url, {
      ...events,
      opened: () => {
        this.refusal = undefined;
        events.opened();
      },
      frame: (bytes) => events.frame(bytes),
      text: () => events.text(),
      closed: (code, reason) => {
        this.refusal = errorOfCloseCode(code);
        events.closed(code, reason);
      },
    });

  async #showOnLockScreen(): Promise<void> {
    const screen = await this.#lockScreen;
    const { isListening, ear, state } = this.view;
    const { title = "", speakers = [] } = state.seq > 0 ? { ...state, speakers: state.seats } : (this.#room ?? {});
    const names = speakers.filter(({ present, muted }) => present && !muted).map(({ name }) => name);
    screen?.show(title, names, isListening ? "playing" : ear === "paused" ? "paused" : "none");
  }

  #changed(): void {
    const view = this.#player.view();
    void this.#showOnLockScreen();
    if (view.ear === "finished" && this.view.ear !== "finished" && this.delivery === "pull") this.#onPullFinished();
    this.view = view;
    if (view.ear !== "unplayable" || this.#nativePlayer || !playsHls()) return;
    this.view = { ...view, ear: "probing" };
    this.#native ??= this.#playNatively(view.isListening);
  }

  /** Serves browsers without MediaSource, such as older iPhones. */
  async #playNatively(isListening: boolean): Promise<void> {
    const { createNativePlayer } = await import("@hustings/listener/player/native-player.ts");
    this.#player.close();
    const native = createNativePlayer({
      hlsUrl: this.#hlsUrl,
      clock: this.#clock,
      onChange: () => this.#changed(),
    });
    this.#player = this.#nativePlayer = native;
    this.delivery = "pull";
    if (this.#room) native.onRoom(this.#room);
    if (isListening) native.listen();
    this.#changed();
  }
}

function playsHls(): boolean {
  return document.createElement("audio").canPlayType("application/vnd.apple.mpegurl") !== "";
}
