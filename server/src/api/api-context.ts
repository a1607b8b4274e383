// The Fastify server of the api and what its routes depend on.

import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { Clock } from "@hustings/flow/clock.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import type { OpenSpaces, PastSpaceList } from "@hustings/wire/listen/room-document.ts";
import Fastify from "fastify";
import { refusalOfFastifyError, sendFastifyRefusal } from "../http/fastify-refusals.ts";
import { MAX_INWARD_HEAD_BYTES, originForm } from "../http/request-target.ts";
import type { Logger } from "../ops/logger.ts";
import type { TicketSigner } from "../tickets/sign.ts";
import type { PassCheck, TicketCheck } from "../tickets/verify.ts";
import type { Limiter, LimitSettings } from "./limits.ts";
import type { StageClient } from "./stage-client.ts";

export const MAX_BODY_BYTES = 64 * 1024;
const REQUEST_DEADLINE_MS = 10_000;

/** A recording as it was when opened: its bytes do not change. */
export interface Recording {
  readonly title: string;
  readonly sizeBytes: number;
  /** Strong, quoted; different for different bytes. */
  readonly etag: string;
  read(from: number, to: number): AsyncIterable<Uint8Array>;
}

/** By the extension of the file. */
export type RecordingKind = "mp4" | "ogg";

/** `undefined`: nothing was on air yet. Throws `no-space`. */
export type OpenRecording = (id: SpaceId, kind: RecordingKind) => Promise<Recording | undefined>;

/** A page of the spaces that ended before the space `before`; absent: the first page. Throws `no-space`. */
export type ReadPastSpaces = (before?: SpaceId) => Promise<PastSpaceList>;

/** A PNG; `undefined` while too many pictures are being made. Throws `no-space`. */
export type ReadPicture = (id: SpaceId) => Promise<Uint8Array | undefined>;

export interface ApiOptions {
  /** An existing file is taken for a dead server's and removed. */
  readonly socketPath: string;
  readonly stageSocketPath: string;
  readonly stageDeadlineMs?: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly version: string;
  readonly sign: TicketSigner;
  readonly checkTicket: TicketCheck;
  readonly checkPass: PassCheck;
  /** Origin of links; absent: the origin of the request. */
  readonly publicUrl?: string;
  /** Origins at which other devices reach this server; asked for each request, because networks change. */
  readonly invitationUrls: () => readonly string[];
  readonly newSpaces: LimitSettings;
  readonly newGuests: LimitSettings;
  readonly openRecording: OpenRecording;
  readonly readPastSpaces: ReadPastSpaces;
  readonly readPicture: ReadPicture;
  /** The people who may open spaces here; the operator always may. */
  readonly openSpaces: OpenSpaces;
}

export interface ApiContext extends ApiOptions {
  readonly stage: StageClient;
  readonly limitSpaces: Limiter;
  readonly limitGuests: Limiter;
  /** Commands of guests. */
  readonly limitCommands: Limiter;
}

export type ApiServer = ReturnType<typeof createApiServer>;

export function createApiServer() {
  return Fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_DEADLINE_MS,
    connectionTimeout: 0,
    keepAliveTimeout: REQUEST_DEADLINE_MS,
    forceCloseConnections: true,
    exposeHeadRoutes: true,
    http: { maxHeaderSize: MAX_INWARD_HEAD_BYTES },
    rewriteUrl: ({ url = "" }) => originForm(url),
    routerOptions: { maxParamLength: 100 },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    frameworkErrors: (error, _request, reply) => void sendFastifyRefusal(reply, refusalOfFastifyError(error)),
  }).withTypeProvider<TypeBoxTypeProvider>();
}
