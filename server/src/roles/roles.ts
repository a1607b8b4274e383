// Composes the processes of `hustings serve`: one function per role. Each role loads only its own parts: an edge never loads
// WebRTC, an api never loads a codec.

import { readFile } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { shiftedClock, systemClock } from "@hustings/flow/clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { LimitSettings } from "../api/limits.ts";
import type { OpenRecording } from "../api/recording.ts";
import type { DoorLink } from "../ops/accept/accept-ipc.ts";
import type { Config } from "../ops/config.ts";
import { edgeBudget, readDescriptorLimit } from "../ops/host/listener-budget.ts";
import { createLogger, type Logger } from "../ops/logger.ts";
import type { RunningRole, StartRole } from "../ops/process/role.ts";
import type { RoleStart } from "../ops/process/role-message.ts";
import { runDirectory, titleOf } from "../ops/process/run-directory.ts";
import { StartFailure, startFailureOf } from "../ops/process/start-failure.ts";

export interface NodeOptions {
  /** The built web app. */
  readonly assetsDirectory: string;
}

/** The time within which an edge that ends hands over its listeners. */
const DRAIN_MS = 1_000;
const MAX_ADDRESSES = 10_000;
/** The limit for all addresses together, as a multiple of the limit for one. */
const SPACES_OF_ALL = 10;
const GUESTS_OF_ALL = 20;

/** Starts the role that the start message names, in this process. */
export function startRole(options: NodeOptions): StartRole {
  return (start, door) => {
    const { logLevel, logFormat } = start.config;
    const log = createLogger({
      role: titleOf(start.name),
      level: logLevel,
      format: logFormat === "lines" ? "lines" : "json",
    });
    if (start.name.role === "stage") return startStageRole(start, log);
    if (start.name.role === "api") return startApiRole(start, log);
    if (start.name.role === "packager") return startPackagerRole(start, log, options);
    return startEdgeRole(start, log, door, options);
  };
}

/** Creates the ticket keys if there are none, and checks the certificate. Throws StartFailure. */
export async function prepareNode(config: Config): Promise<void> {
  const { loadOrCreateKeys } = await import("../tickets/keys.ts");
  try {
    await loadOrCreateKeys(config.dataDirectory);
  } catch (cause) {
    throw startFailureOf(cause, "The ticket keys cannot be made or read");
  }
  try {
    const tls = await tlsOf(config);
    if (tls !== undefined) createSecureContext(tls);
  } catch (cause) {
    throw startFailureOf(cause, "The certificate of --tls-cert and --tls-key cannot be used");
  }
}

async function startStageRole({ config, version }: RoleStart, log: Logger): Promise<AsyncDisposable> {
  const [{ startStage }, { startPeerPort }, { openDiskStore }, { readPublicKeys }, { ticketVerifier }] =
    await Promise.all([
      import("../stage/stage.ts"),
      import("../stage/peer/webrtc-peer-port.ts"),
      import("../log/disk/disk-store.ts"),
      import("../tickets/keys.ts"),
      import("../tickets/verify.ts"),
    ]);
  const run = runDirectory(config.dataDirectory);
  const clock = shiftedClock(systemClock, config.utcOffsetMs);
  const { host, udpPort, publicAddress, turnUrl, turnSecret } = config;
  const tls = await tlsOf(config);
  await using made = new AsyncDisposableStack();
  const store = made.use(
    await openDiskStore({
      directory: config.dataDirectory,
      clock,
      onRepair: (repair) => log.warn({ repair }, "A log was damaged and has been repaired."),
    }),
  );
  const peers = made.use(
    startPeerPort({
      udpPort,
      ...(isEverywhere(host) ? {} : { bindAddress: host }),
      ...(publicAddress === undefined ? {} : { publicAddress }),
      now: () => clock.monotonicMs(),
    }),
  );
  const turn =
    turnUrl === undefined || turnSecret === undefined ? {} : { turn: { urls: [turnUrl], secret: turnSecret } };
  made.use(
    await startStage({
      store,
      isRecorded: true,
      peers,
      check: ticketVerifier(await readPublicKeys(config.dataDirectory), clock),
      clock,
      log,
      version,
      tcp: { host, port: config.stagePort },
      ...(tls === undefined ? {} : { tls }),
      socketPath: run.stageSocket,
      followPath: run.followSocket,
      iceServers: { stunUrls: [], ...turn },
      limits: {
        maxSpaces: config.maxSpaces,
        expiryMs: config.spaceExpiryHours * 3_600_000,
        seatKeptMs: config.seatSeconds * 1000,
        silenceLimitMs: config.deadAirSeconds * 1000,
      },
    }),
  );
  return made.move();
}

async function startApiRole({ config, version }: RoleStart, log: Logger): Promise<AsyncDisposable> {
  const [{ startApi }, { loadOrCreateKeys }, { ticketSigner }, { passVerifier, ticketVerifier }] = await Promise.all([
    import("../api/api.ts"),
    import("../tickets/keys.ts"),
    import("../tickets/sign.ts"),
    import("../tickets/verify.ts"),
  ]);
  const run = runDirectory(config.dataDirectory);
  const clock = shiftedClock(systemClock, config.utcOffsetMs);
  const { privateJwks, publicJwks } = await loadOrCreateKeys(config.dataDirectory);
  const [signingKey] = privateJwks;
  if (signingKey === undefined) throw new Error("there is no key to sign tickets with");
  return startApi({
    socketPath: run.apiSocket,
    stageSocketPath: run.stageSocket,
    clock,
    log,
    version,
    sign: ticketSigner(signingKey, clock),
    checkTicket: ticketVerifier(publicJwks, clock),
    checkPass: passVerifier(publicJwks, clock),
    ...(config.publicUrl === undefined ? {} : { publicUrl: config.publicUrl }),
    newSpaces: limitsOf(config.spacesPerMinute, SPACES_OF_ALL),
    newGuests: limitsOf(config.guestsPerMinute, GUESTS_OF_ALL),
    openRecording: await recordingsOf(config.dataDirectory),
  });
}

async function recordingsOf(dataDirectory: string): Promise<OpenRecording> {
  const [{ openRecording }, { readState }, { spacesFolder }] = await Promise.all([
    import("../replay/recording.ts"),
    import("../log/disk/disk-store.ts"),
    import("../log/disk/lane-names.ts"),
  ]);
  return async (id) => {
    const state = await readState(join(spacesFolder(dataDirectory), id));
    if (state === undefined) throw new Refusal("no-space");
    // The system's clock, because it is compared with the times of files.
    const view = await openRecording({ directory: dataDirectory, id, clock: systemClock });
    return view && { ...view, title: state.title };
  };
}

async function startEdgeRole(
  { name, config, version }: RoleStart,
  log: Logger,
  door: DoorLink | undefined,
  { assetsDirectory }: NodeOptions,
): Promise<RunningRole> {
  const [{ startEdge }, { loadOrCreateSessionSecret }] = await Promise.all([
    import("../edge/edge.ts"),
    import("../edge/http/tls-session-secret.ts"),
  ]);
  const run = runDirectory(config.dataDirectory);
  const tls = await tlsOf(config);
  const edge = await startEdge({
    clock: shiftedClock(systemClock, config.utcOffsetMs),
    followPath: run.followSocket,
    stageSocketPath: run.stageSocket,
    apiSocketPath: run.apiSocket,
    ...(config.aac === "on" ? { packagerSocketPath: run.packagerSocket } : {}),
    stagePort: config.stagePort,
    assetsDirectory,
    listen: { host: config.host, port: config.port, ...(door === undefined ? {} : { link: door }) },
    controlSocketPath: run.controlSocket(name),
    version,
    cadenceMs: config.cadence,
    reserve: config.reserve,
    coreShare: Math.min(1, availableParallelism() / config.edges),
    edges: config.edges,
    limits: edgeBudget({ ...config, descriptors: await readDescriptorLimit(), machineBytes: totalmem() }),
    ...(config.trustedProxies === undefined ? {} : { trustedProxies: config.trustedProxies }),
    ...(config.pullUrl === undefined ? {} : { pullUrl: config.pullUrl }),
    ...(tls === undefined
      ? {}
      : { tls: { ...tls, sessionSecret: await loadOrCreateSessionSecret(config.dataDirectory) } }),
    log,
  });
  return {
    finished: edge.finished,
    async [Symbol.asyncDispose]() {
      await edge.drain(DRAIN_MS);
      await edge[Symbol.asyncDispose]();
    },
  };
}

async function startPackagerRole(
  { config, version }: RoleStart,
  log: Logger,
  { assetsDirectory }: NodeOptions,
): Promise<AsyncDisposable> {
  const [{ startPackager }, { startAacEncoder }, { stageUpstream }] = await Promise.all([
    import("../packager/packager.ts"),
    import("../packager/encoder.ts"),
    import("../replica/upstream.ts"),
  ]);
  const run = runDirectory(config.dataDirectory);
  const clock = shiftedClock(systemClock, config.utcOffsetMs);
  await using starting = new AsyncDisposableStack();
  const encoder = await startAacEncoder({ clock }).catch((cause: Error) => {
    throw new StartFailure(`--aac on: ${cause.message}`, { cause });
  });
  starting.use(encoder);
  const packager = await startPackager({
    clock,
    upstream: stageUpstream({ stageSocketPath: run.stageSocket, followPath: run.followSocket }, clock),
    encoder,
    holdFile: await readFile(join(assetsDirectory, "hold.mp4")).catch(() => undefined),
    socketPath: run.packagerSocket,
    version,
    log,
    random: Math.random,
  });
  starting.use(packager);
  return starting.move();
}

function isEverywhere(host: string): boolean {
  return host === "::" || host === "0.0.0.0";
}

async function tlsOf({ tlsCert, tlsKey }: Config): Promise<{ cert: string; key: string } | undefined> {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  return { cert: await readFile(tlsCert, "utf8"), key: await readFile(tlsKey, "utf8") };
}

function limitsOf(perMinute: number, timesForAll: number): LimitSettings {
  const address = { perMinute, burst: perMinute };
  const all = { perMinute: perMinute * timesForAll, burst: perMinute * timesForAll };
  return { address, all, maxAddresses: MAX_ADDRESSES };
}
