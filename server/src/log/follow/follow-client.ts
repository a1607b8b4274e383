// Follows one space over one connection. The caller reconnects.

import { createConnection, type Socket } from "node:net";
import type { Clock } from "@hustings/flow/clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import type { LagCounts } from "@hustings/wire/listen/lag-counts.ts";
import type { Cursor, Heads } from "@hustings/wire/log/lanes.ts";
import type { Rendition } from "@hustings/wire/units.ts";
import type { FollowedRecord } from "../port.ts";
import { type DownFrame, decodeDown, encodeUp, frameCutter, MAX_DOWN_BYTES, type UpFrame } from "./follow-frames.ts";

export interface FollowSpaceOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly space: SpaceId;
  readonly cursor: Cursor;
  readonly renditions: readonly Rendition[];
  /** `records` then ends without an error. */
  readonly signal: AbortSignal;
}

export interface FollowConnection {
  /** Heads at the start of the follow, before the first record. Rejects as `records` throws. */
  readonly heads: Promise<Heads>;
  /**
   * Read once. Ends when `signal` aborts. Throws a Refusal: the stage's (`no-space`, `too-slow`, …), or `stage-away` if
   * it cannot be reached or closed the log; follow again from the newest cursor. With MAX_QUEUED_RECORDS unread,
   * nothing is read from the socket, range answers included.
   */
  readonly records: AsyncIterable<FollowedRecord>;
  /** Rejects as `records` throws. */
  range(rendition: Rendition, from: number, to: number): Promise<readonly Uint8Array[]>;
  reportAudience(audience: number, lagCounts?: LagCounts): void;
}

export const MAX_QUEUED_RECORDS = 1024;
/** A stage that has sent nothing for this long is away. */
export const FOLLOWING_MS = 5_000;

/** Never throws: failures reject the promises and end `records`. */
export function followSpace(options: FollowSpaceOptions): FollowConnection {
  const { path, clock, space, cursor, renditions, signal } = options;
  const heads = Promise.withResolvers<Heads>();
  heads.promise.catch(() => undefined);
  const inbox = startInbox();
  const pendingRanges = new Map<number, PromiseWithResolvers<readonly Uint8Array[]>>();
  const socket = createConnection(path);
  let nextId = 1;
  let failure: unknown;
  const patience = clock.after(FOLLOWING_MS, () => end(away("The stage does not answer.")));

  function end(cause?: unknown): void {
    if (failure !== undefined) return;
    failure = cause ?? away("The connection is closed.");
    patience.cancel();
    signal.removeEventListener("abort", stop);
    socket.destroy();
    heads.reject(failure);
    for (const { reject } of pendingRanges.values()) reject(failure);
    pendingRanges.clear();
    inbox.close(cause);
  }

  function stop(): void {
    end();
  }

  function take(frame: DownFrame): void {
    switch (frame.kind) {
      case "following":
        patience.cancel();
        heads.resolve(frame.heads);
        break;
      case "record":
        inbox.push(frame.record);
        break;
      case "range":
        pendingRanges.get(frame.id)?.resolve(frame.fragments);
        pendingRanges.delete(frame.id);
        break;
      case "error":
        end(new Refusal(frame.error, frame.message));
    }
  }

  function send(frame: UpFrame): void {
    if (failure === undefined) socket.write(encodeUp(frame));
  }

  listen(socket, take, end);
  inbox.onPace((isFull) => void (isFull ? socket.pause() : socket.resume()));
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) end();
  send({ kind: "hello", space, cursor, renditions });

  return {
    heads: heads.promise,
    records: inbox.records,
    range(rendition, from, to) {
      if (failure !== undefined) return Promise.reject(failure);
      const id = nextId++;
      const answer = Promise.withResolvers<readonly Uint8Array[]>();
      pendingRanges.set(id, answer);
      send({ kind: "range", id, rendition, from, to });
      return answer.promise;
    },
    reportAudience: (audience, lagCounts = []) => send({ kind: "audience", audience, lagCounts }),
  };
}

function listen(socket: Socket, take: (frame: DownFrame) => void, end: (cause?: unknown) => void): void {
  const cutter = frameCutter(MAX_DOWN_BYTES);
  socket.on("data", (piece: Buffer) => {
    try {
      for (const frame of cutter.take(piece)) take(decodeDown(frame));
    } catch (cause) {
      end(away("The stage broke the protocol.", cause));
    }
  });
  socket.on("error", (cause) => end(away("The stage cannot be reached.", cause)));
  socket.once("close", () => end(away("The connection broke.")));
}

function away(message: string, cause?: unknown): Refusal {
  return new Refusal("stage-away", message, { cause });
}

interface Inbox {
  readonly records: AsyncIterable<FollowedRecord>;
  push(record: FollowedRecord): void;
  close(cause: unknown): void;
  onPace(listener: (isFull: boolean) => void): void;
}

function startInbox(): Inbox {
  let waiting: FollowedRecord[] = [];
  let closed: { readonly cause: unknown } | undefined;
  let wake: (() => void) | undefined;
  let isFull = false;
  let pace: (isFull: boolean) => void = () => undefined;

  async function* read(): AsyncGenerator<FollowedRecord> {
    for (;;) {
      const batch = waiting;
      waiting = [];
      if (isFull) {
        isFull = false;
        pace(false);
      }
      yield* batch;
      if (waiting.length > 0) continue;
      if (closed?.cause !== undefined) throw closed.cause;
      if (closed) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  return {
    records: read(),
    push(record) {
      if (closed) return;
      waiting.push(record);
      if (!isFull && waiting.length >= MAX_QUEUED_RECORDS) {
        isFull = true;
        pace(true);
      }
      wake?.();
    },
    close(cause) {
      closed ??= { cause };
      wake?.();
    },
    onPace(listener) {
      pace = listener;
    },
  };
}
