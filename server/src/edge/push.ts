// Owns when each listener is visited: once a cadence, all of them spread evenly over it. Refuses to know what a visit does.

import type { Clock, Timer } from "@hustings/flow/clock.ts";
import { createWheel, type Wheel } from "@hustings/flow/wheel.ts";
import { CADENCE_TABLE } from "./cadence.ts";
import type { EdgeLog } from "./log.ts";

export interface Visited {
  visit(nowMs: number): void;
}

export interface Pusher {
  /** Visits `member` every `cadenceMs` (a row of the cadence table) until it is removed. */
  add(member: Visited, cadenceMs: number): void;
  remove(member: Visited): void;
  [Symbol.dispose](): void;
}

/** Members of one spoke are visited together; a stall of the process is made up for by at most one turn. */
export const SPOKE_MS = 10;

export function createPusher(clock: Clock, log: EdgeLog): Pusher {
  const turns = new Map(CADENCE_TABLE.map(({ cadenceMs }) => [cadenceMs, createTurn(clock, log, cadenceMs)]));
  return {
    add(member, cadenceMs) {
      const turn = turns.get(cadenceMs);
      if (!turn) throw new RangeError(`${cadenceMs} ms is no cadence of the table`);
      turn.add(member);
    },
    remove(member) {
      for (const turn of turns.values()) turn.remove(member);
    },
    [Symbol.dispose]() {
      for (const turn of turns.values()) turn.stop();
    },
  };
}

// Stands still while nobody is on it.
function createTurn(clock: Clock, log: EdgeLog, cadenceMs: number) {
  const spokes = cadenceMs / SPOKE_MS;
  const wheel: Wheel<Visited> = createWheel(spokes);
  let timer: Timer | undefined;
  let beganMs = 0;
  let turnedSpokes = 0;

  function turn(): void {
    const nowMs = clock.monotonicMs();
    const dueSpokes = Math.floor((nowMs - beganMs) / SPOKE_MS);
    turnedSpokes = Math.max(turnedSpokes, dueSpokes - spokes);
    for (; turnedSpokes < dueSpokes; turnedSpokes++) visitAll(wheel.next(), nowMs);
    timer = undefined;
    if (wheel.size > 0) schedule();
  }

  function schedule(): void {
    timer = clock.after(beganMs + (turnedSpokes + 1) * SPOKE_MS - clock.monotonicMs(), turn);
  }

  function visitAll(members: ReadonlySet<Visited>, nowMs: number): void {
    for (const member of members) {
      try {
        member.visit(nowMs);
      } catch (cause) {
        wheel.remove(member);
        log.warn({ cause }, "a listener could not be served");
      }
    }
  }

  return {
    add(member: Visited): void {
      wheel.add(member);
      if (timer) return;
      beganMs = clock.monotonicMs();
      turnedSpokes = 0;
      schedule();
    },
    remove: (member: Visited) => wheel.remove(member),
    stop: () => timer?.cancel(),
  };
}
