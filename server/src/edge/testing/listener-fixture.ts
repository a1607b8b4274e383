// A space and a listener's far end without sockets, for tests. It notices a slot that comes twice, out of order,
// before its state, or not at all.

import assert from "node:assert/strict";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { decodeFrame, type Notice } from "@hustings/wire/listen/frames.ts";
import { EMPTY_STATE, foldAll, type SpaceState, type StateEntry } from "@hustings/wire/log/state.ts";
import type { FollowedSpace } from "../../replica/followed-space.ts";
import { createSpaceReplica } from "../../replica/space-replica.ts";
import { fragmentOf, SPACE } from "../../replica/testing/fake-upstream.ts";
import { type CadenceAdvice, type CadenceRow, FASTEST } from "../load/cadence-table.ts";
import { Listener } from "../push/listener.ts";
import { createSharedFrames } from "../push/shared-frames.ts";
import type { ListenRequest } from "../socket/listen-request.ts";
import type { ListenerPipe } from "../socket/listener-pipe.ts";

export const FRESH: ListenRequest = { rendition: "32", nextSlot: undefined, stateSeq: undefined };

/** A followed space without a stage: appended sound and state are in the replica at once. */
export function createSpace(firstSlot = 0) {
  const clock = manualClock();
  const replica = createSpaceReplica({ state: EMPTY_STATE, nextSlot: 0 });
  const flags = { isAway: false, isGone: false, audience: 0, version: 0, endedMs: undefined as number | undefined };
  let head = firstSlot - 1;
  const followed: FollowedSpace = {
    space: SPACE,
    replica,
    get isAway() {
      return flags.isAway;
    },
    get isGone() {
      return flags.isGone;
    },
    get endedMs() {
      return flags.endedMs;
    },
    get audience() {
      return flags.audience;
    },
    get audienceNotice() {
      return { audience: flags.audience, version: flags.version };
    },
    asOfUtcMs: 0,
    ready: Promise.resolve(),
    isReady: true,
    momentLane: "current",
    setPushListeners() {},
    setPullListeners() {},
    moveLag() {},
    [Symbol.dispose]() {},
  };
  /** A comment at the newest slot. */
  function comment(text = "Hello"): void {
    const entry = { kind: "comment", text, seq: replica.moments.newestSeq + 1, slot: Math.max(0, head), utcMs: 0 };
    replica.moments.add(entry, 0);
  }
  function state(change: Partial<StateEntry> & { kind: string }): void {
    const entry = { slot: head + 1, utcMs: 0, ...change, seq: replica.state.seq + 1 } as StateEntry;
    replica.apply({ lane: "state", entry });
    if (entry.kind === "ended") flags.endedMs = clock.monotonicMs();
  }
  return {
    clock,
    replica,
    followed,
    frames: createSharedFrames(replica, clock),
    flags,
    state,
    comment,
    get head() {
      return head;
    },
    appendSlots(count = 1, packetBytes = 64) {
      for (let i = 0; i < count; i++) {
        head++;
        for (const rendition of ["32", "16"] as const)
          replica.apply({ lane: "sound", rendition, slot: head, bytes: fragmentOf(head, packetBytes) });
      }
    },
    /** Declares the next slots absent in the log. */
    declareAbsent(count: number) {
      state({ kind: "absence", from: head + 1, to: head + 1 + count });
      head += count;
    },
    /** Loses the next slots on the way to this edge, without a log entry about them. */
    loseSlots(count: number) {
      head += count;
    },
  };
}
export type Space = ReturnType<typeof createSpace>;

/** The advice that a test sets; a move of a listener calls `onMove`. */
export function createAdvice(onMove: (cadenceMs: number) => void = () => undefined) {
  return {
    wanted: FASTEST as CadenceRow,
    rendition: "32" as CadenceAdvice["rendition"],
    move: (_: unknown, cadenceMs: number) => onMove(cadenceMs),
    recordUnsent() {},
  };
}

/** A connection whose far end takes frames on request and checks everything it took. */
export function createFarEnd(space: Space, advice = createAdvice()) {
  const slots: number[] = [];
  const skipped: { from: number; to: number }[] = [];
  const faults: string[] = [];
  const kinds: string[] = [];
  const notices: Notice[] = [];
  const renditions: string[] = [];
  const moments: number[] = [];
  let state: SpaceState = EMPTY_STATE;
  let connection: { pipe: ListenerPipe; queue: Buffer[]; flushes: (() => void)[]; listener: Listener } | undefined;
  let closed: { code: number; reason: string } | undefined;
  let mostUnsent = 0;
  let holds = 0;
  let writes = 0;

  function checkFrame(websocketFrame: Buffer): void {
    const headerBytes = (websocketFrame[1] as number) < 126 ? 2 : websocketFrame[1] === 126 ? 4 : 10;
    if (websocketFrame[0] === 0x89) return;
    const frame = decodeFrame(websocketFrame.subarray(headerBytes));
    assert.ok(frame);
    kinds.push(frame.kind);
    if (frame.kind === "snapshot" && frame.snapshot.state.seq > state.seq) state = frame.snapshot.state;
    if (frame.kind === "state") state = foldAll(frame.entries, state);
    if (frame.kind === "notice" && frame.notice.kind === "skipped") skipped.push(frame.notice);
    if (frame.kind === "moments") moments.push(...frame.entries.map(({ seq }) => seq));
    if (frame.kind === "notice") notices.push(frame.notice);
    if (frame.kind === "snapshot") renditions.push(frame.snapshot.rendition);
    if (frame.kind !== "sound") return;
    renditions.push(frame.rendition);
    for (const { slot } of frame.fragments) {
      const due = space.replica.entriesAfter(state.seq)?.find((entry) => entry.slot <= slot);
      if (due && due.seq <= knownSeq) faults.push(`slot ${slot} before the entry ${due.seq} of slot ${due.slot}`);
      slots.push(slot);
    }
  }

  // Entries made after a frame was written cannot come before it.
  let knownSeq = 0;
  const knownSeqs = new WeakMap<Buffer, number>();

  return {
    slots,
    skipped,
    faults,
    kinds,
    notices,
    renditions,
    /** `seq` of each moment. */
    moments,
    /** Folded from what came. */
    get state() {
      return state;
    },
    get closed() {
      return closed;
    },
    get unsentBytes() {
      return connection?.pipe.unsentBytes ?? 0;
    },
    get mostUnsent() {
      return mostUnsent;
    },
    /** Writes so far; frames held together count once. */
    get writes() {
      assert.equal(holds, 0, "something is held for ever");
      return writes;
    },
    get listener() {
      return connection?.listener as Listener;
    },
    get isConnected() {
      return connection !== undefined && !closed;
    },
    connect(request: ListenRequest = FRESH) {
      const queue: Buffer[] = [];
      const flushes: (() => void)[] = [];
      closed = undefined;
      holds = 0;
      const pipe: ListenerPipe = {
        write(frame, flushed) {
          knownSeqs.set(frame, space.replica.state.seq);
          queue.push(frame);
          if (holds === 0) writes += 1;
          if (flushed) flushes.push(flushed);
          mostUnsent = Math.max(mostUnsent, pipe.unsentBytes);
        },
        get unsentBytes() {
          return queue.reduce((total, { length }) => total + length, 0);
        },
        hold() {
          holds += 1;
        },
        release() {
          holds -= 1;
          if (holds === 0) writes += 1;
        },
        close(code, reason) {
          closed = { code, reason };
        },
        terminate() {
          closed = { code: 1006, reason: "" };
        },
      };
      const start = {
        pipe,
        followed: space.followed,
        frames: space.frames,
        scheduler: advice,
        request,
        advice,
        nowMs: space.clock.monotonicMs(),
      };
      connection = { pipe, queue, flushes, listener: new Listener(start) };
    },
    /** Takes up to `count` frames off the wire. */
    take(count = Infinity) {
      if (!connection) return;
      for (let i = 0; i < count && connection.queue.length > 0; i++) {
        const frame = connection.queue.shift() as Buffer;
        knownSeq = knownSeqs.get(frame) ?? 0;
        checkFrame(frame);
      }
      if (connection.queue.length === 0) for (const flushed of connection.flushes.splice(0)) flushed();
    },
    push() {
      connection?.listener.push(space.clock.monotonicMs());
    },
    /** Loses what is on the wire. */
    disconnect() {
      connection?.listener.connectionClosed();
      connection = undefined;
    },
    resumeRequest(): ListenRequest {
      const last = slots.at(-1);
      return {
        rendition: "32",
        nextSlot: last === undefined ? undefined : last + 1,
        stateSeq: state.seq,
        momentSeq: moments.at(-1),
      };
    },
  };
}

/** Asserts that every slot came once and in order, and that the log or an earlier notice names every missing slot. */
export function assertWhole(space: Space, farEnd: ReturnType<typeof createFarEnd>): void {
  assert.deepEqual(farEnd.faults, []);
  const absent = [...space.replica.state.absences, ...farEnd.skipped];
  for (let i = 1; i < farEnd.slots.length; i++) {
    const [before, slot] = [farEnd.slots[i - 1] as number, farEnd.slots[i] as number];
    assert.ok(slot > before, `slot ${slot} after ${before}`);
    for (let missing = before + 1; missing < slot; missing++) {
      const isNamed = absent.some(({ from, to }) => missing >= from && missing < to);
      assert.ok(isNamed, `slot ${missing} is missing and nobody said so`);
    }
  }
}
