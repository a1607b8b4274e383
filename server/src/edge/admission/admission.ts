// Owns who comes in: as many as the budgets of this edge bear, those who come back before those who are new, and the rest
// in a line. Refuses to know sockets and what a listener gets. docs/decisions/0010-door.md.

import { type Clock, repeat } from "@hustings/flow/clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { QueueStatus, Tier } from "@hustings/wire/listen/room-document.ts";
import type { Logger } from "../../ops/logger.ts";
import type { AcceptInstruction, EdgeLoad } from "../../ops/process/role-message.ts";
import type { EdgeLimits } from "../edge-limits.ts";
import { createAdmissionQueue, type Waiter } from "./admission-queue.ts";

export interface Admission extends Disposable {
  /** Takes a place if there is one for them: who has it gives it back with `leave`. */
  enter(isReturning: boolean, isKnown: boolean): boolean;
  leave(): void;
  /** Puts somebody in the line. Throws `full`, with a time to come back at, when that is full, too. */
  wait(waiter: Waiter): void;
  /** Somebody in the line has gone away. */
  abandon(waiter: Waiter): void;
  /** Nobody comes in any more. */
  close(): void;
  readonly load: EdgeLoad;
  /** How a newcomer is served just now. */
  readonly tier: Tier;
  readonly queue: QueueStatus;
}

export interface AdmissionOptions {
  readonly clock: Clock;
  readonly limits: EdgeLimits;
  /** Gives `[0, 1)`. */
  readonly random: () => number;
  readonly log: Logger;
  /** Bytes that this process has in memory. */
  readonly memoryBytes: () => number;
  /** The parent's newest instruction. */
  readonly instruction: () => AcceptInstruction | undefined;
  /** Sound can be had where it costs this edge nothing. */
  readonly hasPull: boolean;
  /** Called when the load is another: at once where the first place came or the last went, else within a turn. */
  readonly onLoad: (load: EdgeLoad) => void;
}

export const TURN_MS = 250;
/**
 * An edge whose loop is so late so many turns on end has no time for more people; it has again after as many in time. A
 * full queue of arrivals alone makes it late by a second.
 */
const LATE_MS = 2_000;
const LATE_TURNS = 6;
/** Let in from the line in one turn. */
const MAX_PER_TURN = 500;
/** Those sent to another edge are there, and counted, after this. */
const ON_THE_WAY_MS = 2_000;
/** Places that stay free so long while others wait elsewhere go to whoever is here. */
const COURTESY_MS = 2_000;
/**
 * Who comes from another door's line waits so long here before they have a place: those who stood before them there are on
 * their way, by as much jitter (SPEC.md L3), and maybe to a second door first. Where the line can hold no more its first
 * has a place at once, which makes room.
 */
const GATHER_MS = 2_500;
/** For whom even the line is full comes back after at least this, and at most three times as long. */
const QUEUE_FULL_RETRY_MS = 10_000;
/** Who was listening has some seconds of sound left, and the edge that died is started again at once. */
const RETURNING_RETRY_MS = 500;

export function createAdmission(options: AdmissionOptions): Admission {
  const { clock, limits, random, log, instruction } = options;
  const queue = createAdmissionQueue(clock, limits.queued);
  const pressure = createPressure(options);
  let inside = 0;
  let isClosed = false;
  let reported: EdgeLoad | undefined;
  let sentMs = -ON_THE_WAY_MS;

  function places(most = limits.listeners): number {
    return isClosed || pressure.isHigh ? 0 : Math.max(0, most - inside);
  }

  function load(): EdgeLoad {
    return { listeners: inside, places: places(), waiting: queue.size };
  }

  function reportIfFilled(): void {
    if (reported === undefined || places() > 0 !== reported.places > 0) reportLoad();
  }

  function reportLoad(): void {
    const [now, before] = [load(), reported];
    reported = now;
    if (!isClosed && before !== undefined && now.places > 0 !== before.places > 0)
      log.info(now, now.places > 0 ? "there is room" : "this edge is full");
    if (before === undefined || !isSame(now, before)) options.onLoad(now);
  }

  function isQueueFull(): boolean {
    return queue.size >= limits.queued;
  }

  function mayEnter(isReturning: boolean, isKnown: boolean, waitedMs: number): boolean {
    if (isReturning) return places(limits.listeners + limits.returning) > 0;
    if (places() === 0) return false;
    if (isKnown) return waitedMs >= GATHER_MS || isQueueFull();
    return waitedMs >= COURTESY_MS || (instruction()?.elsewhereWaiting ?? 0) === 0;
  }

  function admitWaiting(): void {
    for (let count = 0; count < MAX_PER_TURN; count++) {
      const first = queue.next((one, waitedMs) => mayEnter(one.isReturning, one.hasWaited, waitedMs));
      if (first === undefined) return;
      inside += 1;
      first.admit();
    }
  }

  function redirectWaiting(): void {
    const nowMs = clock.monotonicMs();
    const most = redirectCount(instruction());
    if (most === 0 || queue.size === 0 || nowMs - sentMs < ON_THE_WAY_MS) return;
    sentMs = nowMs;
    for (let count = 0; count < Math.min(most, MAX_PER_TURN); count++) queue.next(() => true)?.redirect();
  }

  const turns = repeat(clock, TURN_MS, () => {
    pressure.look();
    admitWaiting();
    redirectWaiting();
    queue.tell();
    reportLoad();
  });

  return {
    enter(isReturning, isKnown) {
      if (queue.size > 0 && !isReturning) return false;
      if (!mayEnter(isReturning, isKnown, 0)) return false;
      inside += 1;
      reportIfFilled();
      return true;
    },
    leave() {
      inside -= 1;
      reportIfFilled();
    },
    wait(waiter) {
      if (isClosed) throw new Refusal("draining");
      if (queue.add(waiter)) return;
      admitWaiting();
      reportIfFilled();
      if (queue.add(waiter)) return;
      const leastMs = waiter.isReturning ? RETURNING_RETRY_MS : QUEUE_FULL_RETRY_MS;
      throw new Refusal("full", undefined, { retryAfterMs: leastMs * (1 + 2 * random()) });
    },
    abandon: (waiter) => queue.remove(waiter),
    close() {
      isClosed = true;
      reportLoad();
    },
    get load() {
      return load();
    },
    get tier() {
      if (places() > 0 || (instruction()?.elsewherePlaces ?? 0) > 0) return "push";
      return options.hasPull ? "pull" : "waiting";
    },
    get queue() {
      return { count: queue.size, estimateMs: queue.size === 0 ? null : queue.estimateMs(queue.size) };
    },
    [Symbol.dispose]: () => turns.cancel(),
  };
}

// As many as there are places for at other edges; everyone where another edge keeps the door and a line of its own, so that
// two lines become one: who comes there says since when they have waited.
function redirectCount(instruction: AcceptInstruction | undefined): number {
  if (instruction === undefined) return 0;
  const isSecondLine = !instruction.isOpen && instruction.elsewhereWaiting > 0;
  return isSecondLine ? Infinity : instruction.elsewherePlaces;
}

function isSame(a: EdgeLoad, b: EdgeLoad): boolean {
  return a.listeners === b.listeners && a.places === b.places && a.waiting === b.waiting;
}

// Memory and the loop's time, looked at once a turn. A timer says by how late it comes whether there is time for more.
function createPressure({ clock, limits, memoryBytes }: AdmissionOptions) {
  let dueMs = clock.monotonicMs() + TURN_MS;
  let turnsInRow = 0;
  let isLate = false;
  let isBig = false;
  return {
    look(): void {
      const nowMs = clock.monotonicMs();
      const wasLate = nowMs - dueMs >= LATE_MS;
      dueMs = nowMs + TURN_MS;
      turnsInRow = wasLate === isLate ? 0 : turnsInRow + 1;
      if (turnsInRow >= LATE_TURNS) {
        isLate = wasLate;
        turnsInRow = 0;
      }
      isBig = memoryBytes() > limits.memoryBytes;
    },
    get isHigh() {
      return isLate || isBig;
    },
  };
}
