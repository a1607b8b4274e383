// All simulated listeners of one process: they join, listen, stall and leave as ordered. Listener `i` is row `i` of every
// table; the last one to join is the first to leave.

import type { Counts, CrowdReport } from "../record/crowd-report.ts";
import { ListenerSessions, type ListenersOptions } from "./listener-sessions.ts";
import { STALL, STATE } from "./listener-table.ts";
import { RoundRobin, roundMsAt } from "./round-robin.ts";

/** Newcomers join only while fewer connections than this are in progress. */
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

  /** One more listener joins. False when all places are taken or too many connections are in progress. */
  join(): boolean {
    if (this.#sessions.connecting >= MAX_JOINING || this.#size >= this.#options.capacity) return false;
    this.#sessions.join(this.#size++, this.#options.clock.monotonicMs());
    return true;
  }

  /**
   * The newest listener leaves and is not read any more. Returns the function that closes its socket, which the caller may
   * delay. Throws when there is no listener.
   */
  leave(): () => void {
    if (this.#size === 0) throw new RangeError("there is no listener");
    return this.#sessions.leave(--this.#size);
  }

  /** From now on `share` (0 to 1) of the listeners read nothing. */
  stall(share: number): void {
    const { table, sockets } = this.#sessions;
    for (let i = 0; i < this.#size; i++) {
      if (Math.floor((i + 1) * share) === Math.floor(i * share) || table.state[i] !== STATE.following) continue;
      if (table.stalled[i] === STALL.never) this.counts.stalled++;
      table.stalled[i] = STALL.now;
      sockets.pause(i);
    }
  }

  /** Stalled listeners read again, beginning with what arrived meanwhile. */
  unstall(): void {
    const { table, sockets } = this.#sessions;
    for (let i = 0; i < this.#size; i++) {
      if (table.stalled[i] !== STALL.now) continue;
      table.stalled[i] = STALL.once;
      sockets.resume(i);
    }
  }

  /** Fault `number` is injected now: connections lost from here on count for it. */
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

  /** `loopDelayMs`: how late this process's own loop ran. */
  report(loopDelayMs: number): CrowdReport {
    const { measures, table, playback, connecting, retrying } = this.#sessions;
    return measures.report(this.#size, table, playback, { connecting, waiting: retrying, loopDelayMs });
  }
}
