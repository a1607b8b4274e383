// All simulated listeners of one process. Listener `i` is row `i` of every table; the last to join leaves first.

import type { Counts, CrowdReport } from "../record/crowd-report.ts";
import { ListenerSessions, type ListenersOptions } from "./listener-sessions.ts";
import { STALL, STATE } from "./listener-table.ts";
import { RoundRobin, roundMsAt } from "./round-robin.ts";

/** Fewer than this are all visited in one step. */
const FEW_LISTENERS = 20;
/** Newcomers wait while this many connections are in progress. */
const MAX_JOINING = 400;

export class Listeners {
  readonly counts: Counts;
  readonly #options: ListenersOptions;
  readonly #sessions: ListenerSessions;
  readonly #rounds: RoundRobin;
  #size = 0;

  constructor(options: ListenersOptions) {
    this.#options = options;
    this.#rounds = new RoundRobin(roundMsAt(0), options.clock.monotonicMs());
    this.#sessions = new ListenerSessions(options, (cadenceMs) => {
      this.#rounds.periodMs = roundMsAt(cadenceMs);
    });
    this.counts = this.#sessions.measures.counts;
  }

  get size(): number {
    return this.#size;
  }

  /** False if all places are taken or too many connections are in progress. */
  join(): boolean {
    if (this.#sessions.connecting >= MAX_JOINING || this.#size >= this.#options.capacity) return false;
    this.#sessions.join(this.#size++, this.#options.clock.monotonicMs());
    return true;
  }

  /** The newest listener leaves. Returns the function that closes its socket. Throws if there is no listener. */
  leave(): () => void {
    if (this.#size === 0) throw new RangeError("there is no listener");
    return this.#sessions.leave(--this.#size);
  }

  stall(share: number): void {
    const { table, sockets } = this.#sessions;
    for (let i = 0; i < this.#size; i++) {
      if (Math.floor((i + 1) * share) === Math.floor(i * share) || table.state[i] !== STATE.following) continue;
      if (table.stalled[i] === STALL.never) this.counts.stalled++;
      table.stalled[i] = STALL.now;
      sockets.pause(i);
    }
  }

  unstall(): void {
    const { table, sockets } = this.#sessions;
    for (let i = 0; i < this.#size; i++) {
      if (table.stalled[i] !== STALL.now) continue;
      table.stalled[i] = STALL.once;
      sockets.resume(i);
    }
  }

  /** Lost connections count for fault `number` from now on. */
  markFault(number: number): void {
    const { measures, table, playback } = this.#sessions;
    measures.markFault(number, this.#size, table, playback);
  }

  /** Does what is due. Returns the milliseconds until the next call. */
  step(): number {
    this.#sessions.step();
    const nowMs = this.#options.clock.monotonicMs();
    const { periodMs } = this.#rounds;
    this.#rounds.step(this.#size, nowMs, (i) => this.#sessions.visit(i, nowMs, periodMs));
    return this.#rounds.stepMs;
  }

  /** `step` may wait for the rest of a second, if nothing calls `onWork` before. */
  get isQuiet(): boolean {
    return this.#size < FEW_LISTENERS && this.#sessions.isQuiet;
  }

  /** `loopDelayMs`: how late this process's own loop ran. */
  report(loopDelayMs: number): CrowdReport {
    const { measures, table, playback, connecting, retrying } = this.#sessions;
    return measures.report(this.#size, table, playback, { connecting, waiting: retrying, loopDelayMs });
  }
}
