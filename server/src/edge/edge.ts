// Composes an edge: HTTP and WebSocket server, followed spaces, admission and load control.

import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "@hustings/flow/clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { OpenSpaces } from "@hustings/wire/listen/room-document.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import { readHoldLoop } from "../hls/hold-packets.ts";
import { WAIT_MS } from "../hls/rendition-responses.ts";
import { limitConnections } from "../http/per-address-limit.ts";
import { MAX_HEAD_BYTES, readTarget } from "../http/request-target.ts";
import { refusalOf, refuseSocket, sendRefusal } from "../http/responses.ts";
import type { DoorLink } from "../ops/accept/accept-ipc.ts";
import { type Logger, SILENT } from "../ops/logger.ts";
import type { FollowedSpace } from "../replica/followed-space.ts";
import { createFollowedSpaces, type FollowedSpaces } from "../replica/followed-spaces.ts";
import { stageUpstream, type Upstream } from "../replica/upstream.ts";
import { type Admission, createAdmission } from "./admission/admission.ts";
import { createPlaceClaims } from "./admission/place-claims.ts";
import { type AcceptSocket, createAcceptSocket, type ListenTarget } from "./door/accept-socket.ts";
import { EDGE_LIMITS, type EdgeLimits } from "./edge-limits.ts";
import { type ClientAddresses, createClientAddresses } from "./http/client-address.ts";
import { serveControl } from "./http/edge-control.ts";
import { createFastPath, type FastPath } from "./http/fast-path.ts";
import { createHlsRoutes, type HlsRoutes } from "./http/hls-routes.ts";
import { type HttpRoutesOptions, immediateResponse, respond } from "./http/http-routes.ts";
import { createLiveSpaceList } from "./http/live-space-list.ts";
import { createPageOrigin } from "./http/page-origin.ts";
import { BARE_DOCUMENT, createPages } from "./http/pages.ts";
import { asksForWebSocket, MAX_HEADERS, type RequestHead } from "./http/request-head.ts";
import { loadAssets } from "./http/static-assets.ts";
import { SESSION_CONTEXT, shareSessions } from "./http/tls-sessions.ts";
import { createReverseProxy, type ReverseProxyLimits } from "./inward/reverse-proxy.ts";
import { type CadenceSetting, type Meter, type ReserveSetting, watchLoad } from "./load/load-watch.ts";
import { createPushScheduler, type PushScheduler } from "./push/push-scheduler.ts";
import { createListenerSockets, type ListenerSockets } from "./socket/listener-sockets.ts";

export interface EdgeOptions {
  readonly clock: Clock;
  readonly followPath: string;
  readonly stageSocketPath: string;
  readonly apiSocketPath: string;
  /** The audience desk's Unix socket; absent: no moments. `hustings serve` has no desk yet. */
  readonly momentsPath?: string;
  /** Absent: HLS has no AAC. */
  readonly packagerSocketPath?: string;
  readonly stagePort: number;
  readonly assetsDirectory: string;
  readonly listen: ListenTarget;
  /** Shared by the edges of a server, for claims on places; absent: one of this process. */
  readonly placesSecret?: Uint8Array;
  /** Origin of a CDN for HLS, to which newcomers are sent before they queue. */
  readonly pullUrl?: string;
  /** The start of every link; absent: as the request came. */
  readonly publicUrl?: string;
  /** Default `anyone`. */
  readonly openSpaces?: OpenSpaces;
  readonly controlSocketPath?: string;
  readonly version?: string;
  /** A row of CADENCE_TABLE; `auto`, the default: what the processor can afford. */
  readonly cadenceMs?: CadenceSetting;
  /** Milliseconds beyond the margin; `auto`, the default: by idle processor time. */
  readonly reserve?: ReserveSetting;
  /** Share of one core, 0 to 1; default 1. */
  readonly coreShare?: number;
  readonly edges?: number;
  readonly meter?: Meter;
  readonly limits?: Partial<EdgeLimits>;
  /** Addresses or CIDR ranges whose X-Forwarded-* headers count. */
  readonly trustedProxies?: readonly string[];
  /** PEM. With a shared secret, TLS sessions resume at other edges. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly sessionSecret?: Uint8Array };
  readonly log?: Logger;
  readonly random?: () => number;
  readonly upstream?: Upstream;
}

export interface Edge {
  readonly port: number;
  readonly listeners: number;
  readonly spaces: number;
  readonly hlsWaiting: number;
  /** Closes every listener with 4505, spread over `overMs`. Further calls return the same promise. */
  drain(overMs?: number): Promise<void>;
  readonly finished: Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Other edges absorb this many beside their own load. */
const DRAINED_PER_SECOND = 1_000;
const MAX_DRAIN_MS = 20_000;
/** First request, next request, sending a response. */
const TIMEOUTS = { firstMs: 5_000, nextMs: 5_000, sendMs: 60_000 } as const;
const PACKAGER_MS = 3_000;
const EMPTY = Buffer.alloc(0);

/** Rejects if the port is in use, the certificate is bad or a trusted proxy is unreadable. */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const { clock, log = SILENT, random = Math.random, stagePort, pullUrl, openSpaces = "anyone" } = options;
  const limits: EdgeLimits = { ...EDGE_LIMITS, ...options.limits };
  await using starting = new AsyncDisposableStack();
  const upstream = options.upstream ?? stageUpstream(options, clock);
  const clientAddresses = createClientAddresses(options.trustedProxies ?? []);
  const assets = await loadAssets(options.assetsDirectory);
  const { publicUrl, tls, trustedProxies = [] } = options;
  const originOf = createPageOrigin({ publicUrl, isTls: tls !== undefined, hasProxies: trustedProxies.length > 0 });
  const pages = createPages({ document: assets.index ?? BARE_DOCUMENT, stagePort, pullUrl, openSpaces, originOf });
  const pushScheduler = starting.use(createPushScheduler(clock, log));
  const loadWatch = starting.use(startLoadWatch(options, limits, pushScheduler, log));
  const aac = packagerProxy(options, limits, clientAddresses);
  const { addressOf } = clientAddresses;
  const loop = readHoldLoop(assets.file(ROUTES.hold), log);
  const hls = starting.use(createHlsRoutes({ clock, maxWaiting: limits.hlsWaiting, loop, addressOf, ...aac }));
  const onSound = (followed: FollowedSpace): void => {
    pushScheduler.pushNow(followed);
    hls.soundArrived(followed);
  };
  const following = { upstream, clock, random, limits, log, onSound, onChange: pushScheduler.pushSoon };
  const followedSpaces = starting.use(createFollowedSpaces(following));
  const link = "link" in options.listen ? options.listen.link : undefined;
  const admission = starting.use(startAdmission(options, limits, link, () => updateAccepting()));
  const claims = createPlaceClaims(clock, options.placesSecret);
  const sockets = { clock, followedSpaces, pushScheduler, clientAddresses, limits, loadWatch, log, admission, claims };
  const listeners = starting.use(createListenerSockets(sockets));
  const spaces = createLiveSpaceList(upstream, clock, followedSpaces.setListed);
  const proxies = createProxies(options, limits, clientAddresses);
  const room = { stagePort, admission, pullUrl };
  const routes = { followedSpaces, spaces, assets, pages, ...proxies, hls, log, openSpaces, ...room };
  const server = createHttpServer(options.tls, limits, clock, requestListener(routes));
  const respond = (head: RequestHead) => immediateResponse(head, routes);
  const upgrade = (head: RequestHead, socket: Duplex) => listeners.upgrade(head, socket, EMPTY);
  const fastPath = createFastPath(server, { clock, respond, upgrade, ...TIMEOUTS });
  limitConnections(server, limits.connectionsPerAddress, clientAddresses.limitKeyOf);
  server.on("upgrade", (request, socket, behind) => {
    try {
      const { pathname, search } = readTarget(request);
      request.url = pathname + search;
      listeners.upgrade(request, socket, behind);
    } catch (cause) {
      refuseSocket(socket, refusalOf(cause));
    }
  });
  const acceptSocket = createAcceptSocket(server, { clock, listen: options.listen, edges: options.edges, log });
  const updateAccepting = (): void => acceptSocket.setOpen(mayAccept(admission, link));
  if (link) link.onChange = updateAccepting;
  await acceptSocket.opened;
  starting.defer(() => close(acceptSocket, server, listeners, fastPath));
  const draining = createDrain(acceptSocket, listeners, admission);
  const { controlSocketPath: path, version = "" } = options;
  if (path !== undefined) {
    const state = () => ({ draining: draining.hasBegun, open: acceptSocket.isOpen });
    const counts = () => ({ ...admission.load, spaces: followedSpaces.size, ...state() });
    const drain = () => void draining.drain(drainMs(listeners.size));
    starting.use(await serveControl({ path, version, counts, drain, loadWatch }));
  }
  return edgeOf(starting.move(), { server, listeners, followedSpaces, hls, drain: draining, log });
}

interface Parts {
  readonly server: Server;
  readonly listeners: ListenerSockets;
  readonly followedSpaces: FollowedSpaces;
  readonly hls: HlsRoutes;
  readonly drain: Drain;
  readonly log: Logger;
}

function edgeOf(running: AsyncDisposable, { server, listeners, followedSpaces, hls, drain, log }: Parts): Edge {
  const { port } = (server.address() as AddressInfo | null) ?? { port: 0 };
  log.info({ port }, "edge listening");
  return {
    port,
    get listeners() {
      return listeners.size;
    },
    get spaces() {
      return followedSpaces.size;
    },
    get hlsWaiting() {
      return hls.waiting;
    },
    drain: (overMs = drainMs(listeners.size)) => drain.drain(overMs),
    finished: drain.finished,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      drain.finish();
    },
  };
}

function createProxies(
  { apiSocketPath, stageSocketPath }: EdgeOptions,
  limits: EdgeLimits,
  clientAddresses: ClientAddresses,
) {
  const proxies = { ...proxyLimits(limits), clientAddresses };
  return {
    api: createReverseProxy({ ...proxies, socketPath: apiSocketPath, errorWhenDown: "api-away" }),
    stage: createReverseProxy({ ...proxies, socketPath: stageSocketPath, errorWhenDown: "stage-away" }),
  };
}

function proxyLimits(limits: EdgeLimits): ReverseProxyLimits {
  return {
    maxRequests: limits.proxiedRequests,
    maxStreams: limits.proxiedStreams,
    maxRequestsPerAddress: limits.proxiedRequestsPerAddress,
    maxBodies: limits.proxiedBodies,
    maxBodyBytes: limits.proxiedBodyBytes,
  };
}

function requestListener(routes: HttpRoutesOptions): RequestListener {
  return (request, response) => {
    try {
      void respond({ request, response, url: readTarget(request) }, routes);
    } catch (cause) {
      sendRefusal({ request, response }, cause);
    }
  };
}

function startLoadWatch(options: EdgeOptions, limits: EdgeLimits, pushScheduler: PushScheduler, log: Logger) {
  const { clock, cadenceMs = "auto", reserve = "auto", coreShare = 1, edges = 1, meter, tls } = options;
  const setting = { setting: cadenceMs, reserve };
  const machine = { share: coreShare, edges, endsTls: tls !== undefined, mostMembers: limits.listeners };
  return watchLoad({ clock, listeners: pushScheduler, log, ...setting, ...machine, ...(meter ? { meter } : {}) });
}

function packagerProxy(
  { packagerSocketPath: socketPath }: EdgeOptions,
  limits: EdgeLimits,
  clientAddresses: ClientAddresses,
) {
  if (socketPath === undefined) return {};
  const { packagerRequests: maxRequests, packagerRequestsPerAddress: maxRequestsPerAddress } = limits;
  const answerMs = WAIT_MS + PACKAGER_MS;
  return {
    packager: createReverseProxy({
      ...proxyLimits(limits),
      socketPath,
      errorWhenDown: "not-yet",
      maxRequests,
      maxRequestsPerAddress,
      clientAddresses,
      answerMs,
    }),
  };
}

function createHttpServer(
  tls: EdgeOptions["tls"],
  limits: EdgeLimits,
  clock: Clock,
  listener: RequestListener,
): Server {
  const http = {
    maxHeaderSize: MAX_HEAD_BYTES,
    headersTimeout: TIMEOUTS.firstMs,
    requestTimeout: 10_000,
    connectionsCheckingInterval: 2_000,
    keepAliveTimeout: TIMEOUTS.nextMs,
    shouldUpgradeCallback: asksForWebSocket,
  };
  const server = tls ? createHttpsServer({ ...http, ...tls }, clock, listener) : createServer(http, listener);
  server.maxHeadersCount = MAX_HEADERS;
  server.maxConnections = limits.connections;
  server.setTimeout(TIMEOUTS.sendMs);
  server.on("clientError", (cause: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || cause.code === "ECONNRESET") return void socket.destroy();
    refuseSocket(socket, refusalForParseError(cause.code));
  });
  return server;
}

function createHttpsServer(
  options: NonNullable<EdgeOptions["tls"]> & ServerOptions,
  clock: Clock,
  answer: RequestListener,
): Server {
  const { sessionSecret, ...routes } = options;
  const tls = { minVersion: "TLSv1.2", handshakeTimeout: 5_000, sessionIdContext: SESSION_CONTEXT } as const;
  const server = createTlsServer({ ...routes, ...tls }, answer);
  if (sessionSecret) shareSessions(server, sessionSecret, clock);
  return server;
}

function refusalForParseError(code: string | undefined): Refusal {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return new Refusal("too-slow", "The request took too long to arrive.");
  if (code === "HPE_HEADER_OVERFLOW") return new Refusal("too-large", "The headers are too many or too long.");
  return new Refusal("bad-request", "The bytes are not a valid HTTP request.");
}

function startAdmission(
  { clock, log = SILENT, random = Math.random, pullUrl }: EdgeOptions,
  limits: EdgeLimits,
  link: DoorLink | undefined,
  onLoad: () => void,
): Admission {
  return createAdmission({
    clock,
    limits,
    random,
    log,
    hasPull: pullUrl !== undefined,
    memoryBytes: () => process.memoryUsage.rss(),
    instruction: () => link?.instruction,
    onLoad(load) {
      link?.report(load);
      onLoad();
    },
  });
}

function mayAccept(admission: Admission, link: DoorLink | undefined): boolean {
  const instruction = link?.instruction;
  if (instruction === undefined) return true;
  return instruction.isOpen && (admission.load.places > 0 || instruction.elsewherePlaces === 0);
}

function drainMs(listeners: number): number {
  return Math.min(MAX_DRAIN_MS, Math.max(1_000, (listeners / DRAINED_PER_SECOND) * 1_000));
}

// Closes only after the last connection, listeners included.
async function close(
  acceptSocket: AcceptSocket,
  server: Server,
  listeners: ListenerSockets,
  fastPath: FastPath,
): Promise<void> {
  const closed = acceptSocket.close();
  listeners[Symbol.dispose]();
  fastPath[Symbol.dispose]();
  server.closeAllConnections();
  await closed;
}

type Drain = ReturnType<typeof createDrain>;

function createDrain(acceptSocket: AcceptSocket, listeners: ListenerSockets, admission: Admission) {
  const finished = Promise.withResolvers<void>();
  let draining: Promise<void> | undefined;
  return {
    get hasBegun() {
      return draining !== undefined;
    },
    finished: finished.promise,
    finish: () => finished.resolve(),
    drain(overMs: number): Promise<void> {
      if (!draining) {
        admission.close();
        void acceptSocket.close();
        draining = listeners.drain(overMs).then(finished.resolve);
      }
      return draining;
    },
  };
}
