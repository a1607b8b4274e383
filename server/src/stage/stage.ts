// Starts a stage: ticker, spaces, and servers for speakers, other processes and followers.

import { randomBytes } from "node:crypto";
import type { AddressInfo } from "node:net";
import { type Clock, repeat } from "@hustings/flow/clock.ts";
import { startTicker, type Ticker } from "@hustings/flow/ticker.ts";
import { loadOpus } from "@hustings/media/codec/opus.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { PACKET_MS } from "@hustings/wire/units.ts";
import { listenOnSocket } from "../http/listen-on-socket.ts";
import { serveFollowers } from "../log/follow/follow-server.ts";
import type { LogStore } from "../log/port.ts";
import type { Logger } from "../ops/logger.ts";
import type { TicketCheck } from "../tickets/verify.ts";
import type { IceServers } from "./http/ice-servers.ts";
import { addInternalRoutes, type StageHealth } from "./http/internal-routes.ts";
import { addPublicRoutes } from "./http/public-routes.ts";
import { createHttp, guardStagePort } from "./http/stage-http.ts";
import { createCommandLimits } from "./limits/command-limits.ts";
import type { PeerPort } from "./peer/peer-port.ts";
import type { RetentionLimits } from "./policy/retention.ts";
import { createAudienceCounts } from "./spaces/audience-count.ts";
import { startRetention } from "./spaces/delete-old.ts";
import { openSpaces, type Spaces } from "./spaces/held-spaces.ts";

export interface StageOptions {
  /** The stage closes the logs that it opened but not the store. */
  readonly store: LogStore;
  /** True where the store is on a disk. */
  readonly isRecorded: boolean;
  /** The stage does not dispose it. Its `now` must be `clock.monotonicMs`. */
  readonly peers: PeerPort;
  readonly check: TicketCheck;
  readonly clock: Clock;
  readonly log: Logger;
  readonly version: string;
  readonly tcp: { readonly host: string; readonly port: number };
  /** PEM; with it the TCP port speaks HTTPS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly socketPath: string;
  readonly followPath: string;
  readonly iceServers?: IceServers;
  readonly limits: StageLimits;
  /** As in spaces/held-spaces.ts. */
  readonly seenUtcMs?: () => number;
  /** Called now and then while the store is read. */
  readonly onProgress?: (readCount: number) => void;
}

export interface StageLimits {
  readonly maxSpaces: number;
  /** A space that never went live is removed after this time. */
  readonly expiryMs: number;
  /** Time without a connected call. */
  readonly seatKeptMs: number;
  /** Silence before hold music begins. */
  readonly silenceLimitMs: number;
  /** Time for which a live space goes on with nobody on its stage. */
  readonly emptyStageMs: number;
  readonly retention: RetentionLimits;
}

export interface Stage extends AsyncDisposable {
  readonly tcpPort: number;
  readonly spaces: Spaces;
  /** Times of the newest `newestTicks` ticks, by default of five minutes. */
  health(newestTicks?: number): StageHealth;
}

/** No further voices while half of the ticks of the last 10 s took more than this share of their time. */
const MIXING_SHARE = 0.6;
const RECENT_TICKS = 500;
const EXPIRY_CHECK_MS = 60_000;
const CALL_ID_BYTES = 15;

/** Rejects if a port or socket is taken. Disposing ends calls without a goodbye; the next stage resumes. */
export async function startStage(options: StageOptions): Promise<Stage> {
  const { store, peers, check, clock, log, version, iceServers = { stunUrls: [] } } = options;
  const { limits, seenUtcMs = clock.utcMs } = options;
  await using made = new AsyncDisposableStack();
  const opus = await loadOpus();
  let spaces: Spaces | undefined;
  const ticker = startTicker(
    clock,
    PACKET_MS,
    (tick, nowMs) => spaces?.tick(tick, nowMs),
    (cause) => log.error({ err: cause }, "a tick failed"),
  );
  const newCallId = () => randomBytes(CALL_ID_BYTES).toString("base64url");
  const commandLimits = createCommandLimits(clock);
  const { isRecorded, onProgress } = options;
  const own = { logger: log, commandLimits, newCallId, isRecorded, canMixMore: () => canMixMore(ticker) };
  const dependencies = { ...limits, clock, peers, opus, ...own };
  const opened = await openSpaces({
    ...{ ...limits, seenUtcMs },
    store,
    dependencies,
    tickNumber: () => ticker.number,
    ...(onProgress && { onProgress }),
  });
  made.use(opened);
  made.use(ticker);
  spaces = opened;
  const expiry = repeat(clock, EXPIRY_CHECK_MS, () => {
    opened.expire().catch((cause: unknown) => log.error({ err: cause }, "spaces could not be expired"));
  });
  made.defer(() => expiry.cancel());
  made.use(startRetention({ spaces: opened, limits: limits.retention, clock, log, seenUtcMs }));
  made.use(await serveAudience(opened, options));
  const health = (newestTicks?: number): StageHealth => ({
    role: "stage",
    pid: process.pid,
    version,
    spaces: opened.count,
    tick: ticker.lateness(newestTicks),
    tickCost: ticker.cost(newestTicks),
    missedTicks: ticker.missedCount,
  });
  const routes = { spaces: opened, check, clock, iceServers };
  const internal = createHttp({ clock, log, isProxied: true });
  addPublicRoutes(internal, routes);
  addInternalRoutes(internal, { spaces: opened, clock, health });
  made.defer(() => internal.close());
  await listenOnSocket(internal, options.socketPath);
  const publicHttp = createHttp({ clock, log, isProxied: false, ...(options.tls && { tls: options.tls }) });
  addPublicRoutes(publicHttp, { ...routes, guard: guardStagePort(publicHttp) });
  made.defer(() => publicHttp.close());
  await publicHttp.listen({ host: options.tcp.host, port: options.tcp.port });
  const running = made.move();
  return {
    tcpPort: (publicHttp.server.address() as AddressInfo).port,
    spaces: opened,
    health,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function canMixMore(ticker: Ticker): boolean {
  return ticker.cost(RECENT_TICKS).p50 < PACKET_MS * MIXING_SHARE;
}

function serveAudience(spaces: Spaces, { clock, followPath }: StageOptions): Promise<AsyncDisposable> {
  const audiences = createAudienceCounts();
  return serveFollowers({
    path: followPath,
    clock,
    logOf: (id: SpaceId) => spaces.reader(id),
    onAudience: (id, followerId, audience, lagCounts) => {
      spaces.setAudience(id, audiences.set(id, followerId, audience, lagCounts));
    },
    audienceOf: (id) => audiences.total(id),
  });
}
