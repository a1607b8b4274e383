// What a page sees of a player; the browser player and the native player implement it.

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
  /** Milliseconds until the next try, while one waits. */
  readonly retryInMs: number | undefined;
  /** The place in the line, while every place is taken. */
  readonly waiting: QueuePosition | undefined;
}

export interface Player {
  /** Opens the source and buffers filler, so that a tap is answered at once. Call when the page is there. */
  prepare(): Promise<void>;
  /** Call inside the tap, synchronously. Starts, or goes on after a pause. */
  listen(): void;
  /** As the lock screen's pause; after five seconds the space is left, and `listen` comes in at its head. */
  pause(): void;
  /** Stops listening. `listen` may follow. */
  stop(): void;
  view(): PlayerView;
  stats(): ListenerStats;
  /** Levels at the playhead, loudest first: for every animation frame. */
  levels(): readonly SeatLevel[];
  /** The element that carries the programme. */
  readonly element: HTMLAudioElement;
  close(): void;
}
