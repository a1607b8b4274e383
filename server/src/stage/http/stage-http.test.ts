import assert from "node:assert/strict";
import { test } from "node:test";
import { type ManualClock, manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { FastifyInstance } from "fastify";
import { SILENT } from "../../ops/logger.ts";
import { createHttp, REQUEST_BURST, REQUESTS_PER_SECOND } from "./stage-http.ts";

function create(isProxied: boolean): { http: FastifyInstance; clock: ManualClock } {
  const clock = manualClock();
  return { http: createHttp({ clock, log: SILENT, isProxied }), clock };
}

async function statusesOf(http: FastifyInstance, count: number, from: object): Promise<number[]> {
  const statuses: number[] = [];
  for (let sent = 0; sent < count; sent += 1) {
    statuses.push((await http.inject({ method: "GET", url: "/", ...from })).statusCode);
  }
  return statuses;
}

const allowed = (statuses: readonly number[]): number => statuses.filter((status) => status !== 429).length;

test("allows an address 100 requests at once and 10 a second after that", async () => {
  const { http, clock } = create(false);
  const from = { remoteAddress: "192.0.2.1" };
  assert.equal(allowed(await statusesOf(http, REQUEST_BURST + 20, from)), REQUEST_BURST);
  clock.advance(1_000);
  assert.equal(allowed(await statusesOf(http, REQUESTS_PER_SECOND + 5, from)), REQUESTS_PER_SECOND);
  assert.equal(allowed(await statusesOf(http, 1, { remoteAddress: "192.0.2.2" })), 1);
});

test("counts the IPv6 addresses of one network as one address", async () => {
  const { http } = create(false);
  const statuses: number[] = [];
  for (let n = 1; n <= REQUEST_BURST + 20; n++) {
    statuses.push(...(await statusesOf(http, 1, { remoteAddress: `2001:db8:1:2::${n.toString(16)}` })));
  }
  assert.equal(allowed(statuses), REQUEST_BURST);
  assert.equal(allowed(await statusesOf(http, 1, { remoteAddress: "2001:db8:9:2::1" })), 1);
});

test("behind the door counts by the forwarded address, and never our own processes", async () => {
  const { http } = create(true);
  const forwarded = (address: string) => ({ headers: { "x-forwarded-for": address } });
  assert.equal(allowed(await statusesOf(http, REQUEST_BURST + 5, forwarded("192.0.2.1"))), REQUEST_BURST);
  assert.equal(allowed(await statusesOf(http, 1, forwarded("192.0.2.2"))), 1);
  assert.equal(allowed(await statusesOf(http, REQUEST_BURST + 5, {})), REQUEST_BURST + 5);
});

test("logs the cause and the route of its own failures, and only of those", async () => {
  const lines: object[] = [];
  const clock = manualClock();
  const log = { ...SILENT, error: (fields: object) => void lines.push(fields) };
  const http = createHttp({ clock, log, isProxied: true });
  const bug = new Error("a bug");
  http.get("/bug/:id", async () => Promise.reject(bug));
  http.get("/refused", async () => Promise.reject(new Refusal("no-space")));
  const answer = await http.inject({ method: "GET", url: "/bug/1" });
  assert.deepEqual([answer.statusCode, answer.json().error], [500, "internal"]);
  assert.equal((await http.inject({ method: "GET", url: "/refused" })).statusCode, 404);
  assert.deepEqual(lines, [{ err: bug, route: "GET /bug/:id" }]);
});
