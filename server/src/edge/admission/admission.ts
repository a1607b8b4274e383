// Decides who is admitted to this edge, resuming listeners first; the rest queue (docs/decisions/0010-door.md).

import type { Clock, Timer } from "@hustings/flow/clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { QueueStatus, Tier } from "@hustings/wire/listen/room-document.ts";
import type { Logger } from "../../ops/logger.ts";
import type { AcceptInstruction, EdgeLoad } from "../../ops/process/role-message.ts";
import type { EdgeLimits } from "../edge-limits.ts";
import { createAdmissionQueue, type Waiter } from "./admission-queue.ts";

export interface Admission extends Disposable {
  /** `leave` gives the place back. */
  enter(isReturning: boolean, isKnown: boolean): boolean;
  leave(): void;
  /** Throws `full` with a retry time when the queue is full. */
  wait(waiter: Waiter): void;
  abandon(waiter: Waiter): void;
  close(): void;
  readonly load: EdgeLoad;
  readonly tier: Tier;
  readonly queue: QueueStatus;
}

export interface AdmissionOptions {
  readonly clock: Clock;
  readonly limits: EdgeLimits;
  readonly random: () => number;
  readonly log: Logger;
  readonly memoryBytes: () => number;
  readonly instruction: () => AcceptInstruction | undefined;
  /** HLS from a CDN is available, at no cost to this edge. */
  readonly hasPull: boolean;
  /** Called at once for the first place gained or the last taken; for other changes once per turn. */
  readonly onLoad: (load: EdgeLoad) => void;
}

export const TURN_MS = 250;
/** Turns are this long while few listen and nobody waits, because each wakes an idle process. */
export const QUIET_TURN_MS = 1_000;
/** The same with nobody inside, unless this edge is under pressure. */
export const EMPTY_TURN_MS = 5_000;
const FEW = 100;
/** Stop admitting after LATE_TURNS slow turns; resume after as many good ones. A full accept queue costs one second. */
const LATE_MS = 2_000;
const LATE_TURNS = 6;
const MAX_PER_TURN = 500;
/** After this a redirected listener counts at the other edge. */
const ON_THE_WAY_MS = 2_000;
/** A free place waits this long for a listener from another edge's queue. */
const COURTESY_MS = 2_000;
/** A listener from another queue waits this long for those before it, who arrive with as much jitter (SPEC.md L3). */
const GATHER_MS = 2_500;
/** The shortest; the longest is three times this. */
const QUEUE_FULL_RETRY_MS = 10_000;
/** A resuming listener has seconds of sound left, and a dead edge is restarted at once. */
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
      log.info(now, now.places > 0 ? "edge has places again" : "edge full");
    if (before === undefined || !isSame(now, before)) options.onLoad(now);
  }

  function add(waiter: Waiter): boolean {
    const isAdded = queue.add(waiter);
    if (isAdded) scheduleTurn();
    return isAdded;
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

  let turnDueMs = Number.POSITIVE_INFINITY;
  let timer: Timer | undefined;

  function scheduleTurn(): void {
    const isQuiet = queue.size === 0 && inside <= FEW && pressure.isCalm;
    const quietMs = inside === 0 && !pressure.isHigh ? EMPTY_TURN_MS : QUIET_TURN_MS;
    const dueMs = clock.monotonicMs() + (isQuiet ? quietMs : TURN_MS);
    if (dueMs >= turnDueMs) return;
    timer?.cancel();
    turnDueMs = dueMs;
    timer = clock.after(dueMs - clock.monotonicMs(), turn);
  }

  function turn(): void {
    pressure.look(clock.monotonicMs() - turnDueMs);
    turnDueMs = Number.POSITIVE_INFINITY;
    admitWaiting();
    redirectWaiting();
    queue.sendPositions();
    reportLoad();
    scheduleTurn();
  }

  scheduleTurn();

  return {
    enter(isReturning, isKnown) {
      if (queue.size > 0 && !isReturning) return false;
      if (!mayEnter(isReturning, isKnown, 0)) return false;
      inside += 1;
      reportIfFilled();
      if (inside === 1) scheduleTurn();
      return true;
    },
    leave() {
      inside -= 1;
      reportIfFilled();
    },
    wait(waiter) {
      if (isClosed) throw new Refusal("draining");
      if (add(waiter)) return;
      admitWaiting();
      reportIfFilled();
      if (add(waiter)) return;
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
    [Symbol.dispose]: () => timer?.cancel(),
  };
}

function redirectCount(instruction: AcceptInstruction | undefined): number {
  if (instruction === undefined) return 0;
  const isSecondQueue = !instruction.isOpen && instruction.elsewhereWaiting > 0;
  return isSecondQueue ? Infinity : instruction.elsewherePlaces;
}

function isSame(a: EdgeLoad, b: EdgeLoad): boolean {
  return a.listeners === b.listeners && a.places === b.places && a.waiting === b.waiting;
}

function createPressure({ limits, memoryBytes }: AdmissionOptions) {
  let turnsInRow = 0;
  let isLate = false;
  let isBig = false;
  return {
    look(lateMs: number): void {
      const wasLate = lateMs >= LATE_MS;
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
    /** The last turns were all on time. */
    get isCalm() {
      return !isLate && turnsInRow === 0;
    },
  };
}
