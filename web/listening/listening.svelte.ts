// Owns the page's ear: the one place where the app touches the listener's player. Refuses to draw.

import { type Clock, repeat, type Timer } from "@hustings/flow/clock.ts";
import { type Delivery, PushOrPull } from "@hustings/listener/hls/push-or-pull.ts";
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

/** In the browser's console, and for tests, `hustings.stats()` says what this listener measured of itself. */
export class Listening {
  view = $state.raw() as PlayerView;
  /** How far the playhead is behind the stage, as measured, and how far it would be without trouble; about once a second. */
  lagMs = $state.raw(0);
  usualLagMs = $state.raw(0);
  /** Why the door last closed the connection; `undefined` once one holds again, or when the network did it. */
  refusal = $state.raw<ErrorCode | undefined>();
  /** By HLS there is no state lane: the room document says what goes on. */
  way = $state.raw<Delivery>("push");
  readonly #clock: Clock;
  readonly #onOver: () => void;
  readonly #hlsUrl: string;
  readonly #ways: PushOrPull;
  #player: Player;
  #native: Promise<void> | undefined;
  #nativePlayer: NativePlayer | undefined;
  #room: RoomDocument | undefined;
  #ticker: Timer | undefined;

  /** `onOver`: what there was to hear by pull has been heard. */
  constructor(id: SpaceId, clock: Clock, onOver: () => void) {
    const address = location.origin.replace(/^http/, "ws");
    this.#clock = clock;
    this.#onOver = onOver;
    this.#hlsUrl = location.origin + ROUTES.hls(id);
    this.#ways = new PushOrPull({
      push: this.#transport,
      loadPull: () => import("@hustings/listener/hls/pull.ts"),
      hlsUrl: this.#hlsUrl,
      clock,
      onDelivery: (way) => {
        this.way = way;
        this.refusal = undefined;
      },
    });
    this.#player = createPlayer({
      url: address + ROUTES.listen(id),
      hlsUrl: this.#hlsUrl,
      holdUrl: ROUTES.hold,
      clock,
      transport: this.#ways.transport,
      onChange: () => this.#changed(),
    });
    this.view = this.#player.view();
    void this.#player.prepare();
    Object.assign(globalThis, { hustings: { stats: () => this.#player.stats() } });
  }

  /** Inside the tap. */
  listen(): void {
    this.#player.listen();
    this.#ticker ??= repeat(this.#clock, LAG_EVERY_MS, () => {
      const { lagMs, usualLagMs, mouthToEarMs } = this.#player.stats();
      this.lagMs = Math.max(lagMs, mouthToEarMs.last ?? 0);
      this.usualLagMs = usualLagMs;
    });
  }

  /** The newest room document: how newcomers are served, and from where. */
  tell(room: RoomDocument): void {
    this.#room = room;
    this.#ways.onRoom(room);
    this.#nativePlayer?.onRoom(room);
  }

  stop(): void {
    this.#ticker?.cancel();
    this.#ticker = undefined;
    this.lagMs = 0;
    this.#player.stop();
  }

  /** At the playhead; for every animation frame. */
  levels(): readonly SeatLevel[] {
    return this.#player.levels();
  }

  close(): void {
    this.#ticker?.cancel();
    this.#player.close();
  }

  /** The player's own transport, with an ear for why the door closes. */
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

  #changed(): void {
    const view = this.#player.view();
    if (view.ear === "finished" && this.view.ear !== "finished" && this.way === "pull") this.#onOver();
    this.view = view;
    if (view.ear !== "unplayable" || this.#nativePlayer || !playsHls()) return;
    this.view = { ...view, ear: "probing" };
    this.#native ??= this.#goNative(view.isListening);
  }

  /** This browser takes no sound from a page, but plays HLS by itself: an iPhone of some years ago. */
  async #goNative(isListening: boolean): Promise<void> {
    const { createNativePlayer } = await import("@hustings/listener/player/native-player.ts");
    this.#player.close();
    const native = createNativePlayer({
      hlsUrl: this.#hlsUrl,
      clock: this.#clock,
      onChange: () => this.#changed(),
    });
    this.#player = this.#nativePlayer = native;
    this.way = "pull";
    if (this.#room) native.onRoom(this.#room);
    if (isListening) native.listen();
    this.#changed();
  }
}

function playsHls(): boolean {
  return document.createElement("audio").canPlayType("application/vnd.apple.mpegurl") !== "";
}
