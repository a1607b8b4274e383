// The player as a page sees it. BrowserPlayer and NativeHlsPlayer implement it.

import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import type { SpaceState } from "@hustings/wire/log/state.ts";
import type { EarState } from "../playout/ear-states.ts";
import type { ListenerStats } from "../playout/listener-stats.ts";
import type { LinkState } from "../session/link-states.ts";
import type { QueuePosition } from "../session/session.ts";

export interface PlayerView {
  readonly link: LinkState;
  readonly ear: EarState;
  readonly isListening: boolean;
  readonly state: SpaceState;
  readonly audience: number;
  /** `undefined`: none is scheduled. */
  readonly retryInMs: number | undefined;
  readonly waiting: QueuePosition | undefined;
}

export interface Player {
  /** Buffers filler, so that playback starts inside the tap. Call when the page is ready. */
  prepare(): Promise<void>;
  /** Call synchronously inside the tap. */
  listen(): void;
  /** After five seconds the player leaves the space, and `listen` enters it at its head. */
  pause(): void;
  stop(): void;
  /** Skips what the listener is behind, without leaving the space. */
  jumpToLive(): void;
  view(): PlayerView;
  stats(): ListenerStats;
  /** Levels at the playhead, loudest first. Cheap enough for every animation frame. */
  levels(): readonly SeatLevel[];
  readonly element: HTMLAudioElement;
  close(): void;
}
