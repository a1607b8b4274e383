// Owns the sockets of listeners: upgrading, the bounds on how many and how fast, handing them over. Refuses to know
// what a listener is sent.

import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Clock, sleep } from "@hustings/flow/clock.ts";
import { createKeyedTokenBuckets } from "@hustings/flow/token-bucket.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { isSpaceId, type SpaceId } from "@hustings/wire/ids.ts";
import { closeReasonOf, refusalOf, refuseSocket } from "../../http/responses.ts";
import type { Logger } from "../../ops/logger.ts";
import type { Following } from "../../replica/followed-space.ts";
import type { Followings } from "../../replica/followed-spaces.ts";
import type { Admission } from "../admission/admission.ts";
import type { Waiter } from "../admission/admission-queue.ts";
import { createCrowding, type Share } from "../admission/per-address-limit.ts";
import { type EdgeLimits, UPWARD_PER_SECOND } from "../edge-limits.ts";
import type { Origins } from "../http/client-address.ts";
import type { RequestHead } from "../http/request-head.ts";
import type { LoadWatch } from "../load/load-watch.ts";
import { createFlights, flightDueMs } from "../push/first-send-queue.ts";
import { Listener } from "../push/listener.ts";
import type { Pusher } from "../push/push-scheduler.ts";
import { type ListenCursor, readCursor } from "./listen-request.ts";
import { closeCodeOf, ListenerSocket, type SocketOwner } from "./websocket.ts";
import { acceptUpgrade, UPGRADE_HEADERS } from "./websocket-upgrade.ts";

export interface Listeners {
  /** Takes a connection that asks to be upgraded, and what came behind its request. Whatever is wrong is answered; never throws. */
  upgrade(request: RequestHead, socket: Duplex, behind: Buffer): void;
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
  /** How often listeners are visited. */
  readonly cadences: LoadWatch;
  readonly log: Logger;
  readonly admission: Admission;
}

/** Who sits behind a socket: until it is taken, what it said so far; then the listener and its hold on the space. */
interface Seat {
  early: ((listener: Listener) => void)[] | undefined;
  listener: Listener | undefined;
  hold: Disposable | undefined;
  /** True: has one of the edge's places. A waiter: is in the line for one. */
  place: Waiter | boolean;
  /** Of what their address has. Exempt: of nothing. One too many: none. */
  share: Share | "exempt" | undefined;
  /** Waits for the first flight. */
  isQueued: boolean;
}
type Connection = ListenerSocket<Seat>;

const DRAIN_STEP_MS = 50;
/** Of whose address there are too many already comes back after this and the jitter of all who come back. */
const CROWDED_MS = 10_000;

export function createListeners(options: ListenersOptions): Listeners {
  const { clock, limits, cadences, log } = options;
  const connections = new Set<Connection>();
  const buckets = createKeyedTokenBuckets(clock, limits.upgradesPerSecond, limits.upgradesBurst, limits.addresses);
  const crowding = createCrowding(limits.perAddress);
  const flights = createFlights(clock, limits.connections);
  const answers = createAnswers();
  let isDraining = false;

  const owner: SocketOwner<Seat> = {
    clock,
    text: (connection, text) => tell(connection, (listener) => listener.hear(text, clock.monotonicMs(), clock.utcMs())),
    control: (connection) => tell(connection, (listener) => listener.hearControl(clock.monotonicMs())),
    gone: leave,
  };

  // `address`: absent where it stands for many.
  function admit({ headers, url = "" }: RequestHead, socket: Pick<Socket, "remoteAddress">) {
    const address = options.origins.countedBy(options.origins.addressOf({ headers, socket }));
    const waitMs = address === undefined ? 0 : buckets.takeMs(address);
    if (waitMs > 0) throw new Refusal("too-many", undefined, { retryAfterMs: waitMs });
    const [path = "", query = ""] = url.split("?", 2);
    const [, listen, space = "", more] = path.split("/");
    if (listen !== "listen" || more !== undefined) throw new Refusal("no-page", "Listeners go to /listen/ID.");
    return { space, query, address };
  }

  async function take(connection: Connection, seat: Seat, space: string, query: string): Promise<void> {
    try {
      if (isDraining) throw new Refusal("draining");
      if (seat.share === undefined) throw new Refusal("address-full", undefined, { retryAfterMs: CROWDED_MS });
      if (!isSpaceId(space)) throw new Refusal("no-space");
      const cursor = readCursor(new URLSearchParams(query));
      let following = await options.followings.follow(space as SpaceId);
      if (connection.isOpen && !enter(seat, cursor)) {
        await placeFor(connection, seat, cursor);
        following = await options.followings.follow(space as SpaceId);
      }
      if (connection.isOpen) queue(connection, seat, following, cursor);
    } catch (cause) {
      refuse(connection, cause);
    }
  }

  function refuse(connection: Connection, cause: unknown): void {
    const refusal = refusalOf(cause);
    if (refusal.code === "internal") log.warn({ cause }, "a listener could not be taken");
    connection.close(closeCodeOf(refusal.code), closeReasonOf(refusal));
  }

  function enter(seat: Seat, { nextSlot, sinceUtcMs }: ListenCursor): boolean {
    seat.place = options.admission.enter(nextSlot !== undefined, sinceUtcMs !== undefined);
    return seat.place;
  }

  // Never settles for those who go away before it is their turn.
  function placeFor(connection: Connection, seat: Seat, { nextSlot, sinceUtcMs }: ListenCursor): Promise<void> {
    return new Promise((resolve) => {
      const waiter: Waiter = {
        isReturning: nextSlot !== undefined,
        isKnown: sinceUtcMs !== undefined,
        sinceUtcMs: sinceUtcMs ?? clock.utcMs(),
        tell: (frame) => connection.write(frame),
        comeIn() {
          seat.place = true;
          resolve();
        },
        goElsewhere: () => connection.close(closeCodeOf("place-elsewhere"), "place-elsewhere"),
      };
      options.admission.wait(waiter);
      seat.place = waiter;
    });
  }

  function queue(connection: Connection, seat: Seat, following: Following, cursor: ListenCursor): void {
    const flight = (): void => {
      seat.isQueued = false;
      try {
        if (connection.isOpen) begin(connection, seat, following, cursor);
      } catch (cause) {
        refuse(connection, cause);
      }
      connection.release();
    };
    const dueMs = flightDueMs(cursor, following.kept.headSlot, clock.monotonicMs(), cadences.wanted.reserveMs);
    seat.isQueued = flights.add(flight, dueMs);
    if (!seat.isQueued) throw new Refusal("full");
  }

  function begin(connection: Connection, seat: Seat, following: Following, cursor: ListenCursor): void {
    if (isDraining) throw new Refusal("draining");
    const listener = new Listener({ pipe: connection, following, cursor, cadences, nowMs: clock.monotonicMs() });
    seat.listener = listener;
    options.pusher.add(listener, listener.cadenceMs, following);
    if (cursor.nextSlot !== undefined) cadences.cameBack();
    seat.hold = options.followings.hold(following);
    for (const said of seat.early ?? []) said(listener);
    seat.early = undefined;
  }

  function leave(connection: Connection): void {
    connections.delete(connection);
    const { listener, hold, place, share } = connection.seat;
    if (typeof share === "object") crowding.leave(share);
    if (place === true) options.admission.leave();
    else if (place !== false) options.admission.gone(place);
    if (!listener) return;
    listener.end();
    options.pusher.remove(listener);
    hold?.[Symbol.dispose]();
  }

  return {
    upgrade(request, socket, behind) {
      try {
        const { space, query, address } = admit(request, socket as Socket);
        const answer = acceptUpgrade(request);
        const seat = seatOf(address === undefined ? "exempt" : crowding.enter(address));
        const connection = new ListenerSocket(socket, owner, seat);
        connections.add(connection);
        answers.begin(connection, answer, behind);
        void take(connection, seat, space, query);
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

function seatOf(share: Seat["share"]): Seat {
  return { early: undefined, listener: undefined, hold: undefined, place: false, share, isQueued: false };
}

// The answer to an upgrade leaves together with the first flight where the space is followed already, as nearly always:
// one write for each newcomer instead of four. Nobody else waits for their answer.
function createAnswers() {
  let held: Connection[] = [];
  function release(): void {
    const all = held;
    held = [];
    for (const connection of all) if (!connection.seat.isQueued) connection.release();
  }
  return {
    begin(connection: Connection, answer: string, behind: Buffer): void {
      connection.hold();
      connection.answer(answer, behind);
      if (held.push(connection) === 1) setImmediate(release);
    },
  };
}

// What a listener says before it is taken is kept, as much as it may say in a second.
function tell(connection: Connection, said: (listener: Listener) => void): void {
  const { seat } = connection;
  if (seat.listener) {
    said(seat.listener);
    return;
  }
  seat.early ??= [];
  if (seat.early.push(said) <= UPWARD_PER_SECOND) return;
  connection.close(closeCodeOf("too-many"), closeReasonOf(new Refusal("too-many")));
}

function closeOne(connection: Connection): void {
  if (connection.seat.listener) connection.seat.listener.close("draining");
  else connection.close(closeCodeOf("draining"), "draining");
}
