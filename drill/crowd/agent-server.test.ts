import assert from "node:assert/strict";
import { test } from "node:test";
import { PATIENCE_MS } from "../../test/testing/until.ts";
import { EMPTY_REPORT } from "../record/crowd-report.ts";
import { type AgentOrders, type AgentStart, awaitAgents } from "./agent-server.ts";

const START = {
  door: { host: "127.0.0.1", port: 1, isTls: false },
  path: "/listen/abcdefghjk",
  rendition: "32",
  visitsHome: false,
} as const;

test("divides listeners among agents, sends each order once, merges reports, and announces the end", async () => {
  const { crowd, agentStarts, url } = await openServer(2);
  assert.deepEqual(
    agentStarts.map(({ agent }) => agent),
    [0, 1],
  );
  for (const people of [10, 101]) crowd.send({ do: "people", people });
  crowd.send({ do: "mark", number: 1 });
  const report = { ...EMPTY_REPORT, counts: { ...EMPTY_REPORT.counts, firstSounds: 5 }, generators: 1 };
  const answers = await Promise.all(agentStarts.map(({ agent }) => post<AgentOrders>(`${url}/${agent}`, report)));
  const shares = answers.map((one) => one?.orders[0]);
  assert.deepEqual(shares, [
    { do: "people", people: 50 },
    { do: "people", people: 51 },
  ]);
  assert.deepEqual(
    answers.map((one) => one?.orders[1]),
    [
      { do: "mark", number: 1 },
      { do: "mark", number: 1 },
    ],
  );
  assert.deepEqual((await post<AgentOrders>(`${url}/0`, report))?.orders, []);
  assert.deepEqual([crowd.report().counts.firstSounds, crowd.report().generators], [10, 2]);
  const ending = crowd[Symbol.asyncDispose]();
  const last = await Promise.all(agentStarts.map(({ agent }) => post<AgentOrders>(`${url}/${agent}`, report)));
  assert.deepEqual(
    last.map((one) => one?.isOver),
    [true, true],
  );
  await ending;
});

test("refuses requests without the secret, surplus agents, and bodies that are not reports", async () => {
  const { crowd, url } = await openServer(1);
  assert.equal(await post(`${url}x/join`, {}), undefined);
  assert.equal(await post(`${url}/join`, {}), undefined, "a second agent where one is expected");
  assert.equal(await post(`${url}/0`, { counts: undefined, generators: 1e9 }), undefined);
  assert.equal(await post(`${url}/7`, EMPTY_REPORT), undefined);
  assert.equal((await fetch(`${url}/0`, { method: "POST", body: "{" })).status, 400);
  const ending = crowd[Symbol.asyncDispose]();
  await post(`${url}/0`, EMPTY_REPORT);
  await ending;
});

async function openServer(agents: number) {
  const opened = Promise.withResolvers<string>();
  const joined = awaitAgents({
    start: START,
    people: 100,
    agents,
    port: 0,
    host: "127.0.0.1",
    signal: AbortSignal.timeout(PATIENCE_MS),
    print: () => undefined,
    onOpen: opened.resolve,
  });
  const url = await opened.promise;
  const agentStarts: AgentStart[] = [];
  for (let i = 0; i < agents; i++) agentStarts.push((await post<AgentStart>(`${url}/join`, {})) as AgentStart);
  return { crowd: await joined, agentStarts, url };
}

async function post<Answer>(url: string, body: unknown): Promise<Answer | undefined> {
  const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  return response.ok ? ((await response.json()) as Answer) : undefined;
}
