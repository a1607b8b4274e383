// Owns the sockets of listeners: upgrading, the bounds on how many and how fast, handing them over. Refuses to know
// what a listener is sent.

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type Clock, sleep } from "@hustings/flow/clock.ts";
import { errorRow, Refusal } from "@hustings/wire/errors.ts";
import { MAX_UPWARD_BYTES, SUBPROTOCOL } from "@hustings/wire/frames.ts";
import { isSpaceId, type SpaceId } from "@hustings/wire/ids.ts";
import { type WebSocket, WebSocketServer } from "ws";
import type { Origins } from "./address.ts";
import { refusalOf, refuseSocket } from "./answers.ts";
import { createBuckets } from "./bucket.ts";
import type { CadenceRow } from "./cadence.ts";
import { readCursor } from "./cursor.ts";
import type { Following } from "./following.ts";
import type { Followings } from "./followings.ts";
import { type EdgeLimits, UPWARD_PER_SECOND } from "./limits.ts";
import { Listener, type ListenerPipe } from "./listener.ts";
import type { EdgeLog } from "./log.ts";
import type { Pusher } from "./push.ts";

export interface Listeners {
  /** Takes an upgraded connection of the HTTP server. Whatever is wrong is answered; never throws. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  readonly size: number;
  /** Closes all with 4505, spread evenly over `overMs`, and whoever comes meanwhile at once. */
  drain(overMs: number): Promise<void>;
  [Symbol.dispose](): void;
}

export interface ListenersOptions {
  readonly clock: Clock;
  readonly followings: Followings;
  readonly pusher: Pusher;
  readonly origins: Origins;
  readonly limits: EdgeLimits;
  /** How often a newcomer is visited. */
  readonly cadence: CadenceRow;
  readonly log: EdgeLog;
}

/** A socket that does not answer a close is cut after this long. */
const CLOSING_MS = 3_000;
const DRAIN_STEP_MS = 50;

export function createListeners(options: ListenersOptions): Listeners {
  const { clock, limits, cadence, log } = options;
  const listeners = new Map<WebSocket, Listener | undefined>();
  const buckets = createBuckets(clock, limits.upgradesPerSecond, limits.upgradesBurst, limits.addresses);
  const server = createUpgrader();
  let isDraining = false;

  function admit(request: IncomingMessage): { readonly space: SpaceId; readonly query: URLSearchParams } {
    const address = options.origins.addressOf(request);
    // This machine's own address stands for everybody behind a proxy here that nobody said to trust.
    const waitMs = isOwn(address) ? 0 : buckets.takeMs(address);
    if (waitMs > 0) throw new Refusal("too-many", undefined, { retryAfterMs: waitMs });
    const url = new URL(request.url ?? "", "http://door");
    const [, listen, space, more] = url.pathname.split("/");
    if (listen !== "listen" || more !== undefined) throw new Refusal("no-page", "Listeners go to /listen/ID.");
    if (!hasSubprotocol(request)) throw new Refusal("bad-request", `The subprotocol ${SUBPROTOCOL} is needed.`);
    return { space: space as SpaceId, query: url.searchParams };
  }

  async function take(socket: WebSocket, pipe: ListenerPipe, space: SpaceId, query: URLSearchParams): Promise<void> {
    listeners.set(socket, undefined);
    const upward = listenTo(socket, clock);
    socket.on("close", () => leave(socket));
    try {
      if (isDraining) throw new Refusal("draining");
      if (listeners.size > limits.listeners) throw new Refusal("full");
      if (!isSpaceId(space)) throw new Refusal("no-space");
      const cursor = readCursor(query);
      const following = await options.followings.follow(space);
      if (socket.readyState === socket.OPEN) begin(socket, pipe, following, cursor, upward);
    } catch (cause) {
      const refusal = refusalOf(cause);
      if (refusal.code === "internal") log.warn({ cause }, "a listener could not be taken");
      pipe.close(errorRow(refusal.code).closeCode ?? 4500, refusal.message.slice(0, 120));
    }
  }

  function begin(
    socket: WebSocket,
    pipe: ListenerPipe,
    following: Following,
    cursor: ReturnType<typeof readCursor>,
    upward: Upward,
  ): void {
    if (isDraining) throw new Refusal("draining");
    const listener = new Listener({ pipe, following, cursor, cadence, nowMs: clock.monotonicMs() });
    listeners.set(socket, listener);
    options.pusher.add(listener, cadence.cadenceMs, following);
    const hold = options.followings.hold(following);
    socket.on("close", () => hold[Symbol.dispose]());
    upward(listener);
  }

  function leave(socket: WebSocket): void {
    const listener = listeners.get(socket);
    listeners.delete(socket);
    if (!listener) return;
    listener.end();
    options.pusher.remove(listener);
  }

  return {
    upgrade(request, socket, head) {
      socket.on("error", () => socket.destroy());
      try {
        const { space, query } = admit(request);
        server.handleUpgrade(request, socket, head, (listening) => {
          void take(listening, pipeOf(listening, socket), space, query);
        });
      } catch (cause) {
        refuseSocket(socket, refusalOf(cause));
      }
    },
    get size() {
      return listeners.size;
    },
    async drain(overMs) {
      isDraining = true;
      const steps = Math.max(1, Math.floor(overMs / DRAIN_STEP_MS));
      const perStep = Math.max(1, Math.ceil(listeners.size / steps));
      for (let all = [...listeners]; all.length > 0; all = all.slice(perStep)) {
        for (const [socket, listener] of all.slice(0, perStep)) closeOne(socket, listener);
        if (all.length > perStep) await sleep(clock, DRAIN_STEP_MS);
      }
    },
    [Symbol.dispose]() {
      isDraining = true;
      for (const socket of listeners.keys()) socket.terminate();
    },
  };
}

function closeOne(socket: WebSocket, listener: Listener | undefined): void {
  if (listener) listener.close("draining");
  else socket.close(errorRow("draining").closeCode, "draining");
}

function createUpgrader(): WebSocketServer {
  const options = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_UPWARD_BYTES,
    maxFragments: 16,
    maxBufferedChunks: 64,
    closeTimeout: CLOSING_MS,
    handleProtocols: () => SUBPROTOCOL,
  };
  return new WebSocketServer(options);
}

function isOwn(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}

function hasSubprotocol(request: IncomingMessage): boolean {
  const offered = request.headers["sec-websocket-protocol"] ?? "";
  return offered.split(",").some((one) => one.trim() === SUBPROTOCOL);
}

// Frames are made already and shared by many, so they go to the socket below `ws`, which writes its own frames (pong,
// close) whole and at once: the two never mix inside a frame.
function pipeOf(listening: WebSocket, socket: Duplex): ListenerPipe {
  return {
    write(frame, flushed) {
      if (listening.readyState === listening.OPEN) socket.write(frame, flushed);
    },
    get unsentBytes() {
      return socket.writableLength;
    },
    close: (code, reason) => listening.close(code, reason),
    terminate: () => listening.terminate(),
  };
}

type Upward = (listener: Listener) => void;

// What a listener says before it is taken is kept, as much as it may say in a second.
function listenTo(socket: WebSocket, clock: Clock): Upward {
  let hear: ((said: (listener: Listener) => void) => void) | undefined;
  const early: ((listener: Listener) => void)[] = [];
  const tell = (said: (listener: Listener) => void) => {
    if (hear) hear(said);
    else if (early.push(said) > UPWARD_PER_SECOND) socket.close(errorRow("too-many").closeCode, "too-many");
  };
  socket.on("error", () => undefined);
  socket.on("message", (bytes, isBinary) => {
    const text = isBinary ? "" : String(bytes);
    tell((listener) => listener.hear(text, clock.monotonicMs(), clock.utcMs()));
  });
  socket.on("ping", () => tell((listener) => listener.hearControl(clock.monotonicMs())));
  socket.on("pong", () => tell((listener) => listener.hearControl(clock.monotonicMs())));
  return (listener) => {
    hear = (said) => said(listener);
    for (const said of early) said(listener);
  };
}
