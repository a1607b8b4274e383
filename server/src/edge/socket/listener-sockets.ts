// The listeners' sockets from the upgrade to the close: limits per address, admission, the first send, draining.

import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Clock, sleep } from "@hustings/flow/clock.ts";
import { createKeyedTokenBuckets } from "@hustings/flow/token-bucket.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { isSpaceId, type SpaceId } from "@hustings/wire/ids.ts";
import { noticeFrame } from "@hustings/wire/listen/frames.ts";
import { type AddressCount, createPerAddressLimit } from "../../http/per-address-limit.ts";
import { closeCodeOf, closeReasonOf, refusalOf, refuseSocket } from "../../http/responses.ts";
import type { Logger } from "../../ops/logger.ts";
import type { FollowedSpace } from "../../replica/followed-space.ts";
import type { FollowedSpaces } from "../../replica/followed-spaces.ts";
import type { Admission } from "../admission/admission.ts";
import type { Waiter } from "../admission/admission-queue.ts";
import { type ClaimedPlace, claimedPlace, type PlaceClaims } from "../admission/place-claims.ts";
import { type EdgeLimits, MESSAGES_PER_SECOND } from "../edge-limits.ts";
import type { ClientAddresses } from "../http/client-address.ts";
import type { RequestHead } from "../http/request-head.ts";
import type { LoadWatch } from "../load/load-watch.ts";
import { createFirstSendQueue, firstSendDueMs } from "../push/first-send-queue.ts";
import { Listener } from "../push/listener.ts";
import type { PushScheduler } from "../push/push-scheduler.ts";
import { createSharedFrames, type SharedFrames } from "../push/shared-frames.ts";
import { JoinedFrames } from "./joined-frames.ts";
import { type ListenRequest, readListenRequest } from "./listen-request.ts";
import { ListenerSocket, type SocketContext } from "./websocket.ts";
import { binaryFrame } from "./websocket-framing.ts";
import { acceptUpgrade, UPGRADE_HEADERS } from "./websocket-upgrade.ts";

export interface ListenerSockets {
  /** `behind`: bytes after the head. Answers every error, and never throws. */
  upgrade(upgradeRequest: RequestHead, socket: Duplex, behind: Buffer): void;
  readonly size: number;
  /** Closes listeners with 4505, spread over `overMs`, and new ones at once. */
  drain(overMs: number): Promise<void>;
  [Symbol.dispose](): void;
}

export interface ListenerSocketsOptions {
  readonly clock: Clock;
  readonly followedSpaces: FollowedSpaces;
  readonly pushScheduler: PushScheduler;
  readonly clientAddresses: ClientAddresses;
  readonly limits: EdgeLimits;
  readonly loadWatch: LoadWatch;
  readonly log: Logger;
  readonly admission: Admission;
  readonly claims: PlaceClaims;
}

interface ConnectionState {
  pendingMessages: ((listener: Listener) => void)[] | undefined;
  listener: Listener | undefined;
  retained: Disposable | undefined;
  /** The id of its claim. */
  placeId: string | undefined;
  /** True: it has a place. A waiter: it is queued. */
  admission: Waiter | boolean;
  /** `undefined`: at the limit. */
  addressCount: AddressCount | "exempt" | undefined;
  awaitsFirstSend: boolean;
}
type Connection = ListenerSocket<ConnectionState>;

const DRAIN_STEP_MS = 50;
const ADDRESS_FULL_RETRY_MS = 10_000;

export function createListenerSockets(options: ListenerSocketsOptions): ListenerSockets {
  const { clock, limits, loadWatch, log } = options;
  const connections = new Set<Connection>();
  const buckets = createKeyedTokenBuckets(
    clock,
    limits.upgradesPerSecond,
    limits.upgradesBurst,
    limits.trackedAddresses,
  );
  const addressLimit = createPerAddressLimit(limits.listenersPerAddress);
  const firstSends = createFirstSendQueue(clock, limits.connections);
  const upgradeResponses = createUpgradeResponses();
  const frames = new WeakMap<FollowedSpace, SharedFrames>();
  const { claims } = options;
  /** By the id of their claims. */
  const holders = new Map<string, Connection>();
  let isDraining = false;

  const context: SocketContext<ConnectionState> = {
    clock,
    joined: new JoinedFrames(),
    text: (connection, text) =>
      deliver(connection, (listener) => listener.receive(text, clock.monotonicMs(), clock.utcMs())),
    control: (connection) => deliver(connection, (listener) => listener.receiveControl(clock.monotonicMs())),
    closed: leave,
  };

  // `address` is absent if it stands for many listeners.
  function checkRequest({ headers, url = "" }: RequestHead, socket: Pick<Socket, "remoteAddress">) {
    const address = options.clientAddresses.limitKeyOf(options.clientAddresses.addressOf({ headers, socket }));
    const waitMs = address === undefined ? 0 : buckets.takeMs(address);
    if (waitMs > 0) throw new Refusal("too-many", undefined, { retryAfterMs: waitMs });
    const [path = "", query = ""] = url.split("?", 2);
    const [, listen, space = "", more] = path.split("/");
    if (listen !== "listen" || more !== undefined) throw new Refusal("no-page", "Listeners go to /listen/ID.");
    return { space, query, address };
  }

  function framesOf(followed: FollowedSpace): SharedFrames {
    const shared = frames.get(followed) ?? createSharedFrames(followed.replica, clock);
    frames.set(followed, shared);
    return shared;
  }

  async function serve(connection: Connection, state: ConnectionState, space: string, query: string): Promise<void> {
    try {
      if (isDraining) throw new Refusal("draining");
      if (state.addressCount === undefined)
        throw new Refusal("address-full", undefined, { retryAfterMs: ADDRESS_FULL_RETRY_MS });
      if (!isSpaceId(space)) throw new Refusal("no-space");
      const request = readListenRequest(new URLSearchParams(query));
      const place = claimedPlace(claims, clock, space, request);
      holdPlace(connection, place);
      let followed = await options.followedSpaces.follow(space as SpaceId);
      if (connection.isOpen && !enter(state, place)) {
        await waitForPlace(connection, state, place);
        followed = await options.followedSpaces.follow(space as SpaceId);
      }
      if (connection.isOpen) queueFirstSend(connection, state, followed, request);
    } catch (cause) {
      refuse(connection, cause);
    }
  }

  function refuse(connection: Connection, cause: unknown): void {
    const refusal = refusalOf(cause);
    if (refusal.code === "internal") log.warn({ cause }, "listener failed to start");
    connection.close(closeCodeOf(refusal.code), closeReasonOf(refusal));
  }

  // A claim is good for one connection, the newest: the one before it is usually dead.
  function holdPlace(connection: Connection, { id }: ClaimedPlace): void {
    connection.state.placeId = id;
    holders.get(id)?.terminate();
    holders.set(id, connection);
  }

  function enter(state: ConnectionState, { isReturning, hasWaited }: ClaimedPlace): boolean {
    state.admission = options.admission.enter(isReturning, hasWaited);
    return state.admission;
  }

  // Never settles when the connection closes first.
  function waitForPlace(connection: Connection, state: ConnectionState, place: ClaimedPlace): Promise<void> {
    return new Promise((resolve) => {
      const waiter: Waiter = {
        ...place,
        send: (frame) => connection.write(frame),
        admit() {
          state.admission = true;
          resolve();
        },
        redirect: () => connection.close(closeCodeOf("place-elsewhere"), "place-elsewhere"),
      };
      options.admission.wait(waiter);
      state.admission = waiter;
    });
  }

  function queueFirstSend(
    connection: Connection,
    state: ConnectionState,
    followed: FollowedSpace,
    request: ListenRequest,
  ): void {
    const send = (): void => {
      state.awaitsFirstSend = false;
      try {
        if (connection.isOpen) startListener(connection, state, followed, request);
      } catch (cause) {
        refuse(connection, cause);
      }
      connection.release();
    };
    const dueMs = firstSendDueMs(request, followed.replica.headSlot, clock.monotonicMs(), loadWatch.wanted.reserveMs);
    state.awaitsFirstSend = firstSends.add(send, dueMs);
    if (!state.awaitsFirstSend) throw new Refusal("full");
  }

  function startListener(
    connection: Connection,
    state: ConnectionState,
    followed: FollowedSpace,
    request: ListenRequest,
  ): void {
    if (isDraining) throw new Refusal("draining");
    const listener = new Listener({
      pipe: connection,
      followed,
      frames: framesOf(followed),
      scheduler: options.pushScheduler,
      request,
      advice: loadWatch,
      nowMs: clock.monotonicMs(),
    });
    state.listener = listener;
    confirmPlace(connection, state, followed.space);
    options.pushScheduler.add(listener, listener.cadenceMs, followed);
    if (request.nextSlot !== undefined) loadWatch.countReturn();
    state.retained = options.followedSpaces.retain(followed);
    for (const message of state.pendingMessages ?? []) message(listener);
    state.pendingMessages = undefined;
  }

  function confirmPlace(connection: Connection, { placeId: id }: ConnectionState, space: SpaceId): void {
    if (!connection.isOpen || id === undefined) return;
    const claim = claims.sign(space, { kind: "listening", id, utcMs: clock.utcMs() });
    connection.write(binaryFrame(noticeFrame({ kind: "place", claim })));
  }

  function leave(connection: Connection): void {
    connections.delete(connection);
    const { listener, retained, admission, addressCount, placeId } = connection.state;
    if (placeId !== undefined && holders.get(placeId) === connection) holders.delete(placeId);
    if (typeof addressCount === "object") addressLimit.leave(addressCount);
    if (admission === true) options.admission.leave();
    else if (admission !== false) options.admission.abandon(admission);
    if (!listener) return;
    listener.connectionClosed();
    options.pushScheduler.remove(listener);
    retained?.[Symbol.dispose]();
  }

  return {
    upgrade(request, socket, behind) {
      try {
        const { space, query, address } = checkRequest(request, socket as Socket);
        const answer = acceptUpgrade(request);
        const state = newState(address === undefined ? "exempt" : addressLimit.enter(address));
        const connection = new ListenerSocket(socket, context, state);
        connections.add(connection);
        upgradeResponses.begin(connection, answer, behind);
        void serve(connection, state, space, query);
      } catch (cause) {
        socket.on("error", () => socket.destroy());
        refuseSocket(socket, refusalOf(cause), UPGRADE_HEADERS);
      }
    },
    get size() {
      return connections.size;
    },
    async drain(overMs) {
      isDraining = true;
      const steps = Math.max(1, Math.floor(overMs / DRAIN_STEP_MS));
      const perStep = Math.max(1, Math.ceil(connections.size / steps));
      for (let all = [...connections]; all.length > 0; all = all.slice(perStep)) {
        for (const connection of all.slice(0, perStep)) closeOne(connection);
        if (all.length > perStep) await sleep(clock, DRAIN_STEP_MS);
      }
    },
    [Symbol.dispose]() {
      isDraining = true;
      for (const connection of connections) connection.terminate();
    },
  };
}

function newState(addressCount: ConnectionState["addressCount"]): ConnectionState {
  return {
    pendingMessages: undefined,
    listener: undefined,
    retained: undefined,
    placeId: undefined,
    admission: false,
    addressCount,
    awaitsFirstSend: false,
  };
}

// The upgrade's response leaves with the first send if the space is followed: one write instead of four.
function createUpgradeResponses() {
  let held: Connection[] = [];
  function release(): void {
    const all = held;
    held = [];
    for (const connection of all) if (!connection.state.awaitsFirstSend) connection.release();
  }
  return {
    begin(connection: Connection, answer: string, behind: Buffer): void {
      connection.hold();
      connection.sendUpgradeResponse(answer, behind);
      if (held.push(connection) === 1) setImmediate(release);
    },
  };
}

// Keeps as many messages as a listener may send per second.
function deliver(connection: Connection, message: (listener: Listener) => void): void {
  const { state } = connection;
  if (state.listener) {
    message(state.listener);
    return;
  }
  state.pendingMessages ??= [];
  if (state.pendingMessages.push(message) <= MESSAGES_PER_SECOND) return;
  connection.close(closeCodeOf("too-many"), closeReasonOf(new Refusal("too-many")));
}

function closeOne(connection: Connection): void {
  if (connection.state.listener) connection.state.listener.close("draining");
  else connection.close(closeCodeOf("draining"), "draining");
}
