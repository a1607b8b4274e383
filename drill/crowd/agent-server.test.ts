import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY_REPORT } from "../record/crowd-report.ts";
import { type AgentOrders, type AgentStart, awaitAgents } from "./agent-server.ts";

const START = {
  door: { host: "127.0.0.1", port: 1, isTls: false },
  path: "/listen/abcdefghjk",
  rendition: "32",
  visitsHome: false,
} as const;

test("agents share the people, get each order once, are added up, and are told the end", async () => {
  const { crowd, members, url } = await openDesk(2);
  assert.deepEqual(
    members.map(({ agent }) => agent),
    [0, 1],
  );
  for (const people of [10, 101]) crowd.send({ do: "people", people });
  crowd.send({ do: "mark", number: 1 });
  const report = { ...EMPTY_REPORT, counts: { ...EMPTY_REPORT.counts, firstSounds: 5 }, generators: 1 };
  const told = await Promise.all(members.map(({ agent }) => post<AgentOrders>(`${url}/${agent}`, report)));
  const shares = told.map((one) => one?.orders[0]);
  assert.deepEqual(shares, [
    { do: "people", people: 50 },
    { do: "people", people: 51 },
  ]);
  assert.deepEqual(
    told.map((one) => one?.orders[1]),
    [
      { do: "mark", number: 1 },
      { do: "mark", number: 1 },
    ],
  );
  assert.deepEqual((await post<AgentOrders>(`${url}/0`, report))?.orders, []);
  assert.deepEqual([crowd.report().counts.firstSounds, crowd.report().generators], [10, 2]);
  const ending = crowd[Symbol.asyncDispose]();
  const last = await Promise.all(members.map(({ agent }) => post<AgentOrders>(`${url}/${agent}`, report)));
  assert.deepEqual(
    last.map((one) => one?.isOver),
    [true, true],
  );
  await ending;
});

test("without the secret, and with what is no report, the desk says nothing", async () => {
  const { crowd, url } = await openDesk(1);
  assert.equal(await post(`${url}x/join`, {}), undefined);
  assert.equal(await post(`${url}/join`, {}), undefined, "one more than is waited for");
  assert.equal(await post(`${url}/0`, { counts: undefined, generators: 1e9 }), undefined);
  assert.equal(await post(`${url}/7`, EMPTY_REPORT), undefined);
  assert.equal((await fetch(`${url}/0`, { method: "POST", body: "{" })).status, 400);
  const ending = crowd[Symbol.asyncDispose]();
  await post(`${url}/0`, EMPTY_REPORT);
  await ending;
});

async function openDesk(agents: number) {
  const opened = Promise.withResolvers<string>();
  const full = awaitAgents({
    start: START,
    people: 100,
    agents,
    port: 0,
    host: "127.0.0.1",
    signal: AbortSignal.timeout(20_000),
    print: () => undefined,
    onOpen: opened.resolve,
  });
  const url = await opened.promise;
  const members: AgentStart[] = [];
  for (let i = 0; i < agents; i++) members.push((await post<AgentStart>(`${url}/join`, {})) as AgentStart);
  return { crowd: await full, members, url };
}

async function post<Answer>(url: string, body: unknown): Promise<Answer | undefined> {
  const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  return response.ok ? ((await response.json()) as Answer) : undefined;
}
