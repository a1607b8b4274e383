// Owns the page's ear: the one place where the app touches the listener's player. Refuses to draw.

import { type Clock, repeat, type Timer } from "@hustings/flow/clock.ts";
import { createPlayer, type Player, type PlayerView } from "@hustings/listener/playback.ts";
import { type Transport, type WebSocketConstructor, webSocketTransport } from "@hustings/listener/transport.ts";
import { ERROR_TABLE, type ErrorCode } from "@hustings/wire/errors.ts";
import type { SeatLevel } from "@hustings/wire/fragment.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { ROUTES } from "@hustings/wire/routes.ts";

const LAG_EVERY_MS = 1_000;

/** In the browser's console, and for tests, `hustings.stats()` says what this listener measured of itself. */
export class Hearing {
  view = $state.raw() as PlayerView;
  /** How far the playhead is behind the stage, as measured, and how far it would be without trouble; about once a second. */
  lagMs = $state.raw(0);
  usualLagMs = $state.raw(0);
  /** Why the door last closed the connection; `undefined` once one holds again, or when the network did it. */
  refusal = $state.raw<ErrorCode | undefined>();
  readonly #player: Player;
  readonly #clock: Clock;
  #ticker: Timer | undefined;

  constructor(id: SpaceId, clock: Clock) {
    const address = location.origin.replace(/^http/, "ws");
    this.#clock = clock;
    this.#player = createPlayer({
      url: address + ROUTES.listen(id),
      hlsUrl: `/hls/${id}/index.m3u8`,
      holdUrl: ROUTES.hold,
      clock,
      transport: this.#transport,
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
      const { lagMs, usualMs, mouthToEarMs } = this.#player.stats();
      this.lagMs = Math.max(lagMs, mouthToEarMs.last ?? 0);
      this.usualLagMs = usualMs;
    });
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
    webSocketTransport(WebSocket as unknown as WebSocketConstructor)(url, {
      ...events,
      opened: () => {
        this.refusal = undefined;
        events.opened();
      },
      frame: (bytes) => events.frame(bytes),
      text: () => events.text(),
      closed: (code, reason) => {
        this.refusal = errorOfClose(code);
        events.closed(code, reason);
      },
    });

  #changed(): void {
    this.view = this.#player.view();
  }
}

function errorOfClose(closeCode: number): ErrorCode | undefined {
  const found = Object.entries(ERROR_TABLE).find(([, row]) => "closeCode" in row && row.closeCode === closeCode);
  return found?.[0] as ErrorCode | undefined;
}
