// Serves followers over a Unix socket, one space per connection. Backstage entries never cross it.

import { createServer, type Socket } from "node:net";
import { type Clock, repeat } from "@hustings/flow/clock.ts";
import type { ErrorCode } from "@hustings/wire/errors.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import type { LagCounts } from "@hustings/wire/listen/lag-counts.ts";
import { listenOnSocket } from "../../http/listen-on-socket.ts";
import type { FollowedLanes, FollowedRecord, LogReader, MeasuredAudience } from "../port.ts";
import { decodeUp, encodeDown, frameCutter, MAX_UP_BYTES, type UpFrame } from "./follow-frames.ts";

export interface FollowServerOptions {
  readonly path: string;
  readonly clock: Clock;
  /** A promise if the log must be opened; if it rejects, followers are sent `no-space`. */
  readonly logOf: (space: SpaceId) => ServedLanes | undefined | Promise<ServedLanes | undefined>;
  /** A follower's listeners, 0 when it is gone. `followerId` is never reused. Absent: ignored. */
  readonly onAudience?: (space: SpaceId, followerId: number, audience: number, lagCounts: LagCounts) => void;
  /** The space's total, a new object after a change, sent within AUDIENCE_MS of it. Absent: never sent. */
  readonly audienceOf?: (space: SpaceId) => MeasuredAudience;
  /** Limit for one follower; absent: MAX_UNSENT_BYTES. */
  readonly maxUnsentBytes?: number;
}

/** Without `range` (no sound here), followers get empty ranges. */
export type ServedLanes = FollowedLanes & Partial<Pick<LogReader, "range">>;

export interface FollowServer {
  readonly followerCount: number;
  [Symbol.asyncDispose](): Promise<void>;
}

export const MAX_UNSENT_BYTES = 8 * 1024 * 1024;
export const AUDIENCE_MS = 1_000;
/** Limit per follower; more are refused with `too-many`. */
export const MAX_RANGES_IN_PROGRESS = 8;
/** A connection without a hello is refused after this time. */
export const HELLO_MS = 5_000;
/** A follower must read half of `maxUnsentBytes` within this time, or it is disconnected. */
export const STALLED_MS = 10_000;
export const GOODBYE_MS = 1_000;
export const MAX_FOLLOWERS = 10_000;

/** Takes the place of a dead process's socket file. Rejects if it cannot listen. */
export async function serveFollowers(options: FollowServerOptions): Promise<FollowServer> {
  const followers = new Set<Follower>();
  const frameOf = sharedFrames();
  let nextId = 1;
  const server = createServer((socket) => {
    const follower = startFollower(socket, nextId++, frameOf, options);
    followers.add(follower);
    socket.once("close", () => followers.delete(follower));
  });
  server.maxConnections = MAX_FOLLOWERS;
  await listenOnSocket(server, options.path);
  const timer = repeat(options.clock, AUDIENCE_MS, () => {
    for (const follower of followers) follower.reportAudience();
  });
  return {
    get followerCount() {
      return followers.size;
    },
    async [Symbol.asyncDispose]() {
      timer.cancel();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const follower of followers) follower.close();
      await closed;
    },
  };
}

interface Follower {
  reportAudience(): void;
  close(): void;
}

function startFollower(
  socket: Socket,
  id: number,
  frameOf: (record: FollowedRecord) => Buffer,
  options: FollowServerOptions,
): Follower {
  const { clock, logOf, onAudience, audienceOf, maxUnsentBytes = MAX_UNSENT_BYTES } = options;
  const gone = new AbortController();
  const cutter = frameCutter(MAX_UP_BYTES);
  const outlet = startOutlet(socket, maxUnsentBytes, clock);
  let space: SpaceId | undefined;
  let log: ServedLanes | undefined;
  let opening: Promise<void> | undefined;
  let rangesInProgress = 0;
  let reportedAudience: MeasuredAudience | undefined;
  let patience = clock.after(HELLO_MS, () => refuse("bad-frame", "No hello came."));

  function refuse(error: ErrorCode, message: string): void {
    if (gone.signal.aborted) return;
    gone.abort();
    socket.end(encodeDown({ kind: "error", error, message }));
    patience = clock.after(GOODBYE_MS, () => socket.destroy());
  }

  function take(frame: UpFrame): void {
    if (frame.kind === "hello") hello(frame);
    else if (opening !== undefined) opening.then(() => take(frame));
    else if (space === undefined || log === undefined) refuse("bad-frame", "The first frame must be a hello.");
    else if (frame.kind === "audience") onAudience?.(space, id, frame.audience, frame.lagCounts ?? []);
    else if (rangesInProgress >= MAX_RANGES_IN_PROGRESS) refuse("too-many", "Too many range requests are in progress.");
    else answerRange(log, frame);
  }

  function hello(frame: UpFrame & { kind: "hello" }): void {
    patience.cancel();
    if (space !== undefined || opening !== undefined) refuse("bad-frame", "A second hello came.");
    else find(frame, logOf(frame.space));
  }

  function find(frame: UpFrame & { kind: "hello" }, found: ReturnType<FollowServerOptions["logOf"]>): void {
    if (!(found instanceof Promise)) {
      open(frame, found);
      return;
    }
    opening = found
      .catch(() => undefined)
      .then((reader) => {
        opening = undefined;
        open(frame, reader);
      });
  }

  function open(frame: UpFrame & { kind: "hello" }, found: ServedLanes | undefined): void {
    if (gone.signal.aborted) return;
    log = found;
    if (log) followLog(log, frame);
    else refuse("no-space", `There is no space ${frame.space} here.`);
  }

  function followLog(log: ServedLanes, hello: UpFrame & { kind: "hello" }): void {
    space = hello.space;
    outlet.send(encodeDown({ kind: "following", heads: { ...log.heads(), backstageSeq: 0 } }));
    reportAudience();
    forward(log.follow(hello.cursor, gone.signal, hello.renditions), frameOf, outlet).then(
      () => refuse("stage-away", "The log was closed."),
      () => refuse("too-slow", "The follower fell too far behind."),
    );
  }

  function answerRange(log: ServedLanes, { id, rendition, from, to }: UpFrame & { kind: "range" }): void {
    rangesInProgress++;
    (log.range?.(rendition, from, to) ?? Promise.resolve([]))
      .then((fragments) => outlet.send(encodeDown({ kind: "range", id, fragments })))
      .catch(() => refuse("internal", "The range could not be read."))
      .finally(() => rangesInProgress--);
  }

  function reportAudience(): void {
    const audience = space === undefined ? undefined : audienceOf?.(space);
    if (audience === undefined || audience === reportedAudience) return;
    reportedAudience = audience;
    outlet.send(encodeDown({ kind: "record", record: { lane: "audience", ...audience } }));
  }

  socket.on("data", (piece: Buffer) => {
    if (gone.signal.aborted) return;
    try {
      for (const frame of cutter.take(piece)) if (!gone.signal.aborted) take(decodeUp(frame));
    } catch (cause) {
      refuse("bad-frame", cause instanceof Error ? cause.message : "The frame is malformed.");
    }
  });
  socket.on("error", () => socket.destroy());
  socket.once("close", () => {
    patience.cancel();
    gone.abort();
    if (space !== undefined) onAudience?.(space, id, 0, []);
  });
  return { reportAudience, close: () => socket.destroy() };
}

interface Outlet {
  readonly isFull: boolean;
  /** Sends the frames of a turn together. Above the limit the follower is disconnected. */
  send(frame: Buffer): void;
  /** Everything is sent or the connection is gone, within STALLED_MS. */
  drained(): Promise<void>;
}

function startOutlet(socket: Socket, maxUnsentBytes: number, clock: Clock): Outlet {
  let isCorked = false;
  function uncork(): void {
    isCorked = false;
    socket.uncork();
    if (socket.writableLength > maxUnsentBytes) socket.destroy();
  }
  return {
    get isFull() {
      return socket.writableLength >= maxUnsentBytes / 2;
    },
    send(frame) {
      if (socket.destroyed || socket.writableEnded) return;
      if (!isCorked) {
        isCorked = true;
        socket.cork();
        setImmediate(uncork);
      }
      socket.write(frame);
    },
    async drained() {
      if (socket.destroyed) return;
      await new Promise<void>((resolve) => {
        const patience = clock.after(STALLED_MS, () => socket.destroy());
        const done = () => {
          patience.cancel();
          socket.off("drain", done);
          socket.off("close", done);
          resolve();
        };
        socket.on("drain", done);
        socket.on("close", done);
      });
    },
  };
}

function sharedFrames(): (record: FollowedRecord) => Buffer {
  const frames = new WeakMap<FollowedRecord, Buffer>();
  return (record) => {
    let frame = frames.get(record);
    if (!frame) {
      frame = encodeDown({ kind: "record", record });
      frames.set(record, frame);
    }
    return frame;
  };
}

async function forward(
  records: AsyncIterable<FollowedRecord>,
  frameOf: (record: FollowedRecord) => Buffer,
  outlet: Outlet,
): Promise<void> {
  for await (const record of records) {
    outlet.send(frameOf(record));
    if (outlet.isFull) await outlet.drained();
  }
}
