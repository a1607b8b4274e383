// Composes the api process.

import { join } from "node:path";
import { shiftedClock, systemClock } from "@hustings/flow/clock.ts";
import { startApi } from "../api/api.ts";
import type { LimitSettings } from "../api/limits.ts";
import { createDiskArchive } from "../log/disk/disk-archive.ts";
import { createEndedList } from "../log/disk/ended-list.ts";
import { spacesFolder } from "../log/disk/lane-names.ts";
import { invitationUrls } from "../ops/host/server-addresses.ts";
import type { Logger } from "../ops/logger.ts";
import type { RoleStart } from "../ops/process/role-message.ts";
import { runDirectory } from "../ops/process/run-directory.ts";
import { openDrawing } from "../pictures/draw-picture.ts";
import { createLinkPictures } from "../pictures/link-pictures.ts";
import { createPastSpaces } from "../replay/past-spaces.ts";
import { createRecordings } from "../replay/recording.ts";
import { loadOrCreateKeys } from "../tickets/keys.ts";
import { ticketSigner } from "../tickets/sign.ts";
import { passVerifier, ticketVerifier } from "../tickets/verify.ts";

const FONTS = join(import.meta.dirname, "../../../web/fonts");
const MAX_ADDRESSES = 10_000;
/** The limit for all addresses together, as a multiple of the limit for one. */
const SPACES_OF_ALL = 10;
const GUESTS_OF_ALL = 20;

export async function startApiRole({ config, version }: RoleStart, log: Logger): Promise<AsyncDisposable> {
  const run = runDirectory(config.dataDirectory);
  const clock = shiftedClock(systemClock, config.utcOffsetMs);
  const { privateJwks, publicJwks } = await loadOrCreateKeys(config.dataDirectory);
  const [signingKey] = privateJwks;
  if (signingKey === undefined) throw new Error("there is no key to sign tickets with");
  const archive = createDiskArchive({ directory: config.dataDirectory });
  const pictures = createLinkPictures({
    archive,
    clock,
    openDrawing: () => openDrawing(FONTS),
    onFailure: (err) => log.warn({ err }, "the picture of a link could not be made"),
  });
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
    invitationUrls: () => invitationUrls(config),
    newSpaces: limitsOf(config.spacesPerMinute, SPACES_OF_ALL),
    newGuests: limitsOf(config.guestsPerMinute, GUESTS_OF_ALL),
    openSpaces: config.openSpaces,
    openRecording: createRecordings(archive).open,
    readPicture: pictures.pictureOf,
    readPastSpaces: createPastSpaces({ archive, ended: createEndedList(spacesFolder(config.dataDirectory)).load }).page,
  });
}

function limitsOf(perMinute: number, timesForAll: number): LimitSettings {
  const address = { perMinute, burst: perMinute };
  const all = { perMinute: perMinute * timesForAll, burst: perMinute * timesForAll };
  return { address, all, maxAddresses: MAX_ADDRESSES };
}
