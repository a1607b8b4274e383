// Decides when each listener is pushed to: once per cadence, evenly spread, or at once in a small space.

import type { Clock, Timer } from "@hustings/flow/clock.ts";
import { createWheel, type Wheel } from "@hustings/flow/wheel.ts";
import type { Logger } from "../../ops/logger.ts";
import { CADENCE_TABLE, FASTEST } from "../load/cadence-table.ts";

export interface PushMember {
  push(nowMs: number): void;
}

export interface PushScheduler {
  add(member: PushMember, cadenceMs: number, group: object): void;
  remove(member: PushMember): void;
  /** The next push comes within the new cadence. */
  move(member: PushMember, cadenceMs: number, group: object): void;
  /** Members by row of the cadence table; members ever added, without moves. */
  readonly sizes: readonly number[];
  readonly addedCount: number;
  /** Pushes to a small group at the fastest cadence; call it when the group's sound has come. */
  pushNow(group: object): void;
  /** Call it when the group has something else to send: it goes out within the fastest cadence. */
  pushSoon(group: object): void;
  /** Call it once a second: pushes to members whose wheel rests. */
  look(): void;
  [Symbol.dispose](): void;
}

/** Waking for every few members costs more than serving them. After a stall at most one turn is made up. */
const SPOKE_MS = 10;
const MAX_SPOKES = 25;
/** Ten milliseconds of writes; on the wheel members would wait 100 ms on average. */
export const MAX_IMMEDIATE_MEMBERS = 1_000;
/** With more groups than this the fastest wheel never rests: looking at all of them would cost more. */
const MAX_RESTING_GROUPS = 16;
/** Sound that comes this much later than usual still counts as regular. */
const LATE_MS = 100;

interface Group {
  readonly members: Set<PushMember>;
  /** Time of the newest push to all members, −Infinity if something has been waiting since. */
  servedMs: number;
}

export function createPushScheduler(clock: Clock, log: Logger): PushScheduler {
  const fastest = createCadenceWheel(clock, pushAll, FASTEST.cadenceMs, isServed);
  const wheels = new Map(
    CADENCE_TABLE.map(({ cadenceMs }) => [
      cadenceMs,
      cadenceMs === FASTEST.cadenceMs ? fastest : createCadenceWheel(clock, pushAll, cadenceMs),
    ]),
  );
  const groups = new Map<object, Group>();
  const groupOf = new Map<PushMember, object>();
  let addedCount = 0;

  function leaveGroup(member: PushMember): void {
    const group = groupOf.get(member);
    if (group === undefined) return;
    groupOf.delete(member);
    const members = groups.get(group)?.members;
    members?.delete(member);
    if (members?.size === 0) groups.delete(group);
  }

  function leave(member: PushMember): void {
    for (const wheel of wheels.values()) wheel.remove(member);
    leaveGroup(member);
  }

  function join(member: PushMember, cadenceMs: number, group: object): void {
    const wheel = wheels.get(cadenceMs);
    if (!wheel) throw new RangeError(`${cadenceMs} ms is not in the cadence table`);
    wheel.add(member);
    if (cadenceMs !== FASTEST.cadenceMs) return;
    const joined = groups.get(group) ?? newGroup(group);
    joined.members.add(member);
    // From now on only the wheel serves the group.
    if (joined.members.size > MAX_IMMEDIATE_MEMBERS) fastest.wake();
    groupOf.set(member, group);
  }

  function newGroup(of: object): Group {
    const group = { members: new Set<PushMember>(), servedMs: Number.NEGATIVE_INFINITY };
    groups.set(of, group);
    fastest.wake();
    return group;
  }

  /** Every member of the fastest wheel gets its pushes when its sound comes. */
  function isServed(nowMs: number): boolean {
    if (groups.size > MAX_RESTING_GROUPS) return false;
    for (const { members, servedMs } of groups.values()) {
      const isRegular = nowMs - servedMs <= FASTEST.cadenceMs + LATE_MS;
      if (!isRegular || members.size > MAX_IMMEDIATE_MEMBERS) return false;
    }
    return true;
  }

  function pushNow(of: object): void {
    const group = groups.get(of);
    if (group === undefined || group.members.size > MAX_IMMEDIATE_MEMBERS) return;
    group.servedMs = clock.monotonicMs();
    pushAll(group.members, group.servedMs);
  }

  function pushAll(members: ReadonlySet<PushMember>, nowMs: number): void {
    for (const member of members) {
      try {
        member.push(nowMs);
      } catch (cause) {
        leave(member);
        log.warn({ cause }, "pushing to a listener failed");
      }
    }
  }

  return {
    add(member, cadenceMs, group) {
      join(member, cadenceMs, group);
      addedCount += 1;
    },
    remove: leave,
    move(member, cadenceMs, group) {
      leave(member);
      join(member, cadenceMs, group);
    },
    get sizes() {
      return Array.from(wheels.values(), ({ size }) => size);
    },
    get addedCount() {
      return addedCount;
    },
    pushNow,
    pushSoon(of) {
      const group = groups.get(of);
      if (group === undefined) return;
      if (clock.monotonicMs() - group.servedMs >= FASTEST.cadenceMs) return pushNow(of);
      group.servedMs = Number.NEGATIVE_INFINITY;
      fastest.wake();
    },
    look: () => fastest.look(),
    [Symbol.dispose]() {
      for (const wheel of wheels.values()) wheel.stop();
    },
  };
}

export function spokeMsOf(cadenceMs: number): number {
  return Math.max(SPOKE_MS, cadenceMs / MAX_SPOKES);
}

// The timer wakes the process only for spokes with members, and not at all while others serve them (`isServed`): a wake
// costs more than serving a few listeners.
function createCadenceWheel(
  clock: Clock,
  pushAll: (members: ReadonlySet<PushMember>, nowMs: number) => void,
  cadenceMs: number,
  isServed: (nowMs: number) => boolean = () => false,
) {
  const spokeMs = spokeMsOf(cadenceMs);
  const spokes = cadenceMs / spokeMs;
  const wheel: Wheel<PushMember> = createWheel(spokes);
  let timer: Timer | undefined;
  let beganMs = 0;
  let turnedSpokes = 0;
  let isTurning = false;
  let isResting = false;

  function turn(): void {
    const nowMs = clock.monotonicMs();
    isTurning = true;
    const dueSpokes = Math.floor((nowMs - beganMs) / spokeMs);
    turnedSpokes = Math.max(turnedSpokes, dueSpokes - spokes);
    for (; turnedSpokes < dueSpokes; turnedSpokes++) pushAll(wheel.next(), nowMs);
    isTurning = false;
    timer = undefined;
    isResting = wheel.size > 0 && isServed(nowMs);
    if (wheel.size > 0 && !isResting) schedule();
  }

  function begin(): void {
    isResting = false;
    beganMs = clock.monotonicMs();
    turnedSpokes = 0;
    schedule();
  }

  function schedule(): void {
    timer = clock.after(beganMs + (turnedSpokes + wheel.stepsToNext) * spokeMs - clock.monotonicMs(), turn);
  }

  // With more members than spokes no spoke is empty, and the timer is right already.
  function reschedule(): void {
    if (isTurning || wheel.size > spokes) return;
    timer?.cancel();
    schedule();
  }

  return {
    add(member: PushMember): void {
      wheel.add(member);
      if (timer) {
        reschedule();
        return;
      }
      if (!isResting) begin();
    },
    /** Turns again within the cadence. */
    wake(): void {
      if (isResting && !isTurning) begin();
    },
    look(): void {
      if (isResting) turn();
    },
    remove: (member: PushMember) => wheel.remove(member),
    get size() {
      return wheel.size;
    },
    stop: () => timer?.cancel(),
  };
}
