// Composes the stage process.

import { shiftedClock, systemClock } from "@hustings/flow/clock.ts";
import { openDiskStore } from "../log/disk/disk-store.ts";
import type { Logger } from "../ops/logger.ts";
import type { RoleStart } from "../ops/process/role-message.ts";
import { runDirectory } from "../ops/process/run-directory.ts";
import { openSeenTime } from "../ops/seen-time.ts";
import { startPeerPort } from "../stage/peer/webrtc-peer-port.ts";
import { startStage } from "../stage/stage.ts";
import { readPublicKeys } from "../tickets/keys.ts";
import { ticketVerifier } from "../tickets/verify.ts";
import { tlsOf } from "./tls-files.ts";

export async function startStageRole(
  { config, version }: RoleStart,
  log: Logger,
  step: (words: string) => void,
): Promise<AsyncDisposable> {
  const run = runDirectory(config.dataDirectory);
  const clock = shiftedClock(systemClock, config.utcOffsetMs);
  const { host, udpPort, publicAddress, turnUrl, turnSecret } = config;
  const tls = await tlsOf(config);
  await using made = new AsyncDisposableStack();
  const seenTime = made.use(await openSeenTime(config.dataDirectory, clock));
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
      onProgress: (readCount) => step(`has read the logs of ${readCount} spaces`),
      tcp: { host, port: config.stagePort },
      ...(tls === undefined ? {} : { tls }),
      socketPath: run.stageSocket,
      followPath: run.followSocket,
      seenUtcMs: seenTime.utcMs,
      iceServers: { stunUrls: [], ...turn },
      limits: {
        maxSpaces: config.maxSpaces,
        expiryMs: config.spaceExpiryHours * 3_600_000,
        seatKeptMs: config.seatSeconds * 1000,
        silenceLimitMs: config.deadAirSeconds * 1000,
        emptyStageMs: config.emptyStageMinutes * 60_000,
        retention: {
          ...(config.recordingDays === undefined ? {} : { maxAgeMs: config.recordingDays * 86_400_000 }),
          ...(config.recordingsGigabytes === undefined ? {} : { maxBytes: config.recordingsGigabytes * 1e9 }),
        },
      },
    }),
  );
  return made.move();
}

function isEverywhere(host: string): boolean {
  return host === "::" || host === "0.0.0.0";
}
