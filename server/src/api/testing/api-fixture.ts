// The api without a socket, over a fake stage, with a manual clock.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { type SpaceId, spaceIdFrom } from "@hustings/wire/ids.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import { PATIENCE_MS } from "../../../../test/testing/until.ts";
import { SILENT } from "../../ops/logger.ts";
import { generateTicketKey, publicHalf } from "../../tickets/keys.ts";
import { ticketSigner } from "../../tickets/sign.ts";
import { passVerifier, ticketVerifier } from "../../tickets/verify.ts";
import { buildApi } from "../api.ts";
import type { ApiOptions, Recording } from "../api-context.ts";
import { startFakeStage } from "./fake-stage.ts";

const key = await generateTicketKey();
/** Headers as an edge sets them. */
export const edge = {
  "x-forwarded-for": "203.0.113.9",
  "x-forwarded-host": "talk.example:8443",
  "x-forwarded-proto": "https",
};
const recording: Recording = {
  title: 'Ça va? "ok"',
  sizeBytes: 10,
  etag: '"v1"',
  async *read(from, to) {
    yield Buffer.from("0123456789".slice(from, to));
  },
};

/** A space that has no recording. */
export const nowhere = spaceIdFrom(new Uint8Array(10).fill(31));

export function limits(each: number, all: number): ApiOptions["newSpaces"] {
  return { address: { perMinute: each, burst: each }, all: { perMinute: all, burst: all }, maxAddresses: 100 };
}

export async function office(t: TestContext, changes: Partial<ApiOptions> = {}) {
  const directory = await mkdtemp(join(tmpdir(), "hustings-api-"));
  const stageSocketPath = join(directory, "stage.sock");
  const stage = await startFakeStage(stageSocketPath);
  const clock = manualClock();
  const check = ticketVerifier([publicHalf(key)], clock);
  const failures: unknown[] = [];
  const options: ApiOptions = {
    socketPath: join(directory, "api.sock"),
    stageSocketPath,
    stageDeadlineMs: PATIENCE_MS,
    clock,
    log: { ...SILENT, error: (fields) => void failures.push(fields) },
    version: "0.0.1",
    sign: ticketSigner(key, clock),
    checkTicket: check,
    checkPass: passVerifier([publicHalf(key)], clock),
    invitationUrls: () => [],
    newSpaces: limits(1000, 1000),
    newGuests: limits(1000, 1000),
    openSpaces: "anyone",
    readPastSpaces: async (before) => {
      if (before === nowhere) throw new Refusal("no-space");
      return { spaces: [], next: before === undefined ? ROUTES.pastBefore(nowhere) : null };
    },
    readPicture: async (id) => (id === nowhere ? undefined : Uint8Array.of(0x89)),
    openRecording: async (id) => (id === nowhere ? undefined : recording),
    ...changes,
  };
  const app = await buildApi(options);
  t.after(async () => {
    await app.close();
    await stage[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });
  const ask = async (
    method: "GET" | "POST" | "HEAD" | "DELETE" | "OPTIONS",
    url: string,
    payload?: object,
    headers = {},
  ) => {
    const answer = await app.inject({ method, url, headers: { ...edge, ...headers }, ...(payload && { payload }) });
    const isJson = String(answer.headers["content-type"]).startsWith("application/json");
    const body = isJson && answer.body !== "" ? answer.json() : undefined;
    return { status: answer.statusCode, headers: answer.headers, text: answer.body, body };
  };
  const open = async () => {
    const { body } = await ask("POST", "/api/spaces", { title: "Open evening", name: "Ada" });
    return { ...body, id: body.id as SpaceId, secret: body.hostUrl.split("#host=")[1] as string };
  };
  return { app, ask, open, stage, check, clock, failures, options, stop: () => stage[Symbol.asyncDispose]() };
}
