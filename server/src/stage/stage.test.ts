import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { systemClock } from "@hustings/flow/clock.ts";
import type { TicketClaims } from "@hustings/wire/api/tickets.ts";
import { type ErrorCode, isErrorCode, Refusal } from "@hustings/wire/errors.ts";
import { guestIdFrom, type PersonId, type SpaceId, spaceIdFrom } from "@hustings/wire/ids.ts";
import fc from "fast-check";
import { createMemoryStore } from "../log/memory/memory-log.ts";
import { SILENT } from "../ops/logger.ts";
import type { TicketCheck } from "../tickets/verify.ts";
import { CREDENTIAL_SECONDS } from "./http/ice-servers.ts";
import { HANDS_PER_ADDRESS } from "./limits/hand-limits.ts";
import { type Stage, type StageOptions, startStage } from "./stage.ts";
import { BAD_OFFER, createFakePeerPort } from "./testing/fake-peers.ts";
import { STAGE_LIMITS } from "./testing/stage-fixture.ts";

const SPACE = spaceIdFrom(new Uint8Array(10).fill(5));
const HOST = guestIdFrom(new Uint8Array(16).fill(6));
const GUEST = guestIdFrom(new Uint8Array(16).fill(7));
const SECRET = "s".repeat(43);

const claims = (name: string, person: PersonId, generation: number): TicketClaims => {
  return { space: SPACE, person, name, generation, expiresUtcMs: 0 };
};
const CLAIMS: Record<string, TicketClaims> = {
  host: claims("host", HOST, 1),
  guest: claims("guest", GUEST, 0),
};

const check: TicketCheck = async (header, space) => {
  if (header === undefined) throw new Refusal("no-ticket");
  const found = CLAIMS[header.replace("Bearer ", "")];
  if (found === undefined) throw new Refusal("ticket-invalid");
  if (found.space !== space) throw new Refusal("wrong-space");
  return found;
};

const folder = await mkdtemp(join(tmpdir(), "hustings-stage-"));
after(() => rm(folder, { recursive: true }));
let stages = 0;

interface Running extends AsyncDisposable {
  readonly stage: Stage;
  readonly peers: ReturnType<typeof createFakePeerPort>;
  readonly tcp: Ask;
  readonly socket: Ask;
}

async function running(options: Partial<StageOptions> = {}): Promise<Running> {
  const name = join(folder, String(++stages));
  const peers = createFakePeerPort();
  const stage = await startStage({
    store: createMemoryStore(),
    isRecorded: false,
    limits: STAGE_LIMITS,
    peers,
    check,
    clock: systemClock,
    log: SILENT,
    version: "1",
    tcp: { host: "127.0.0.1", port: 0 },
    socketPath: `${name}.sock`,
    followPath: `${name}.follow`,
    ...options,
  });
  return {
    stage,
    peers,
    tcp: asker({ host: "127.0.0.1", port: stage.tcpPort }),
    socket: asker({ socketPath: `${name}.sock` }),
    [Symbol.asyncDispose]: () => stage[Symbol.asyncDispose](),
  };
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

type Ask = (method: string, path: string, options?: { body?: unknown; as?: string; type?: string }) => Promise<Answer>;

function asker(target: object): Ask {
  return (method, path, { body, as, type } = {}) => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
    const headers = {
      ...(text === undefined
        ? {}
        : { "content-type": type ?? "application/json", "content-length": Buffer.byteLength(text) }),
      ...(as === undefined ? {} : { authorization: `Bearer ${as}` }),
    };
    const asked = request({ ...target, method, path, headers, agent: false }, async (response) => {
      let answer = "";
      for await (const part of response) answer += part;
      const json = answer.startsWith("{") || answer.startsWith("[") ? JSON.parse(answer) : {};
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text: answer, json });
    });
    asked.on("error", reject);
    asked.end(text);
    return promise;
  };
}

const newSpace = { id: SPACE, title: "T", host: { person: HOST, name: "Hanna" }, secretHash: SECRET };
const offer = { body: "offer", type: "application/sdp" };

async function withSpace(options: Partial<StageOptions> = {}): Promise<Running> {
  const here = await running(options);
  assert.equal((await here.socket("POST", "/internal/spaces", { body: newSpace })).status, 201);
  return here;
}

function assertRefused({ status, json }: Answer, expected: number, code: ErrorCode): void {
  assert.deepEqual([status, json["error"]], [expected, code]);
}

test("answers an offer with a ticket, ends the call by its location, and does not support PATCH", async () => {
  await using here = await withSpace();
  for (const ask of [here.tcp, here.socket]) {
    const answer = await ask("POST", `/stage/${SPACE}`, { ...offer, as: "host" });
    assert.deepEqual([answer.status, answer.text], [201, "answer"]);
    assert.match(String(answer.headers["content-type"]), /^application\/sdp/);
    const location = String(answer.headers["location"]);
    assert.match(location, new RegExp(`^/stage/${SPACE}/[\\w-]{20}$`));
    assertRefused(await ask("PATCH", location), 405, "not-allowed");
    assert.equal((await ask("DELETE", location)).status, 200);
    assertRefused(await ask("DELETE", location), 404, "no-page");
  }
  assert.equal(here.peers.peerCount, 0);
});

test("refuses bad offers, each with its row of the error table", async () => {
  await using here = await withSpace();
  const path = `/stage/${SPACE}`;
  assertRefused(await here.tcp("POST", path, offer), 401, "no-ticket");
  assertRefused(await here.tcp("POST", path, { ...offer, as: "nobody" }), 401, "ticket-invalid");
  assertRefused(await here.tcp("POST", path, { ...offer, as: "guest" }), 403, "not-invited");
  assertRefused(await here.tcp("POST", path, { ...offer, as: "host", body: BAD_OFFER }), 400, "bad-sdp");
  assertRefused(await here.tcp("POST", path, { ...offer, as: "host", type: "text/plain" }), 415, "bad-offer-type");
  assertRefused(await here.tcp("POST", path, { body: {}, as: "host" }), 415, "bad-offer-type");
  assertRefused(await here.tcp("POST", path, { ...offer, as: "host", body: "x".repeat(70_000) }), 413, "too-large");
  assertRefused(await here.tcp("POST", "/stage/1111111111", { ...offer, as: "host" }), 403, "wrong-space");
  assertRefused(await here.tcp("POST", "/stage/nonsense", { ...offer, as: "host" }), 404, "no-space");
  assertRefused(await here.tcp("GET", path), 405, "not-allowed");
  assertRefused(await here.tcp("GET", "/"), 404, "no-page");
});

test("a page of any origin may send an offer and read the call's location", async () => {
  await using here = await withSpace();
  const asked = await here.tcp("OPTIONS", `/stage/${SPACE}`);
  assert.equal(asked.status, 204);
  assert.equal(asked.headers["access-control-allow-origin"], "*");
  assert.match(String(asked.headers["access-control-allow-headers"]), /Authorization, Content-Type/);
  const refused = await here.tcp("POST", `/stage/${SPACE}`, offer);
  assert.equal(refused.headers["access-control-allow-origin"], "*");
  assert.match(String(refused.headers["access-control-expose-headers"]), /Location/);
});

test("offers only a seated person the TURN server, with credentials for ten minutes", async () => {
  const turn = { urls: ["turn:turn.example.net:3478?transport=udp"], secret: "shared" };
  await using here = await withSpace({ iceServers: { stunUrls: ["stun:stun.example.net"], turn } });
  const { headers } = await here.tcp("POST", `/stage/${SPACE}`, { ...offer, as: "host" });
  assert.match(
    String(headers["link"]),
    new RegExp(
      `^<stun:stun.example.net>; rel="ice-server", <turn:turn.example.net:3478\\?transport=udp>; rel="ice-server"; ` +
        `username="\\d{10}:${HOST}"; credential="[A-Za-z0-9+/]{27}="; credential-type="password"$`,
    ),
  );
  const expiresMs = Number(/username="(\d+)/.exec(String(headers["link"]))?.[1]) * 1_000;
  assert.ok(expiresMs - systemClock.utcMs() <= CREDENTIAL_SECONDS * 1_000);
  const refused = await here.tcp("POST", `/stage/${SPACE}`, { ...offer, as: "guest" });
  assert.deepEqual([refused.status, refused.headers["link"]], [403, undefined]);
});

test("executes commands on the public port and on the socket, and answers with the entry's number", async () => {
  await using here = await withSpace();
  const path = `/stage/${SPACE}/commands`;
  const { status, json } = await here.tcp("POST", path, { body: { do: "hand", up: true }, as: "guest" });
  assert.deepEqual([status, json], [200, { seq: 3 }]);
  assertRefused(await here.tcp("POST", path, { body: { do: "live" }, as: "guest" }), 403, "host-only");
  assertRefused(await here.tcp("POST", path, { body: { do: "fly" }, as: "guest" }), 400, "bad-json");
  assertRefused(await here.tcp("POST", path, { body: "{", as: "guest" }), 400, "bad-json");
  assertRefused(await here.tcp("POST", path, { body: { do: "x".repeat(5_000) }, as: "guest" }), 413, "too-large");
  const inside = { claims: CLAIMS["host"], command: { do: "invite", person: GUEST }, address: "192.0.2.1" };
  assert.equal((await here.socket("POST", `/internal/spaces/${SPACE}/commands`, { body: inside })).status, 200);
  const elsewhere = {
    claims: { ...CLAIMS["host"], space: "1111111111" as SpaceId },
    command: { do: "live" },
    address: "192.0.2.1",
  };
  assertRefused(
    await here.socket("POST", `/internal/spaces/${SPACE}/commands`, { body: elsewhere }),
    403,
    "wrong-space",
  );
});

test("limits listeners by the address that the api passes on, with the time to wait, and no host", async () => {
  await using here = await withSpace();
  const path = `/internal/spaces/${SPACE}/commands`;
  const guests = Array.from({ length: 200 }, (_, n) =>
    guestIdFrom(Uint8Array.from({ length: 16 }, (_, at) => n >> (5 * at))),
  );
  const press = (person: PersonId, address: string) =>
    here.socket("POST", path, {
      body: { claims: { ...CLAIMS["guest"], person }, command: { do: "hand", up: true }, address },
    });
  const codes: string[] = [];
  for (const person of guests) codes.push(String((await press(person, "192.0.2.1")).json["error"] ?? "done"));
  assert.equal(codes.filter((code) => code === "done").length, HANDS_PER_ADDRESS);
  assert.ok(codes.every((code) => ["done", "too-many", "too-many-hands"].includes(code)));
  const refused = await press(guests.at(-1) as PersonId, "192.0.2.1");
  assert.equal(refused.status, 429);
  assert.match(String(refused.headers["retry-after"]), /^[1-9]\d*$/);
  assert.equal((await press(guestIdFrom(new Uint8Array(16).fill(7)), "192.0.2.2")).status, 200);
  const host = { claims: CLAIMS["host"], command: { do: "hands", open: false }, address: "192.0.2.1" };
  assert.equal((await here.socket("POST", path, { body: host })).status, 200);
  assertRefused(await here.socket("POST", path, { body: { ...host, address: undefined } }), 400, "bad-json");
});

test("a space goes live and ends, and answers a second end as the first", async () => {
  await using here = await withSpace();
  const act = (what: string) => here.tcp("POST", `/stage/${SPACE}/commands`, { body: { do: what }, as: "host" });
  assert.equal((await act("live")).status, 200);
  const ended = await act("end");
  assert.equal(ended.status, 200);
  const again = await act("end");
  assert.deepEqual([again.status, again.json], [ended.status, ended.json]);
  assertRefused(await act("live"), 410, "ended");
  const { json } = await here.socket("GET", `/internal/spaces/${SPACE}`);
  assert.equal((json["state"] as { phase: string }).phase, "ended");
});

test("serves the internal routes on the socket and not on the public port", async () => {
  await using here = await withSpace();
  const path = `/internal/spaces/${SPACE}`;
  const { json } = await here.socket("GET", path);
  assert.deepEqual(Object.keys(json).sort(), ["audience", "headSlot", "id", "state", "utcMs"]);
  const listed = (await here.socket("GET", "/internal/spaces")).json as unknown as { id: string }[];
  assert.deepEqual(
    listed.map(({ id }) => id),
    [SPACE],
  );
  const found = await here.socket("POST", `${path}/host-secret`, { body: { secretHash: SECRET } });
  assert.deepEqual(found.json, { person: HOST, name: "Hanna", generation: 1 });
  const wrong = { body: { secretHash: "x".repeat(43) } };
  assertRefused(await here.socket("POST", `${path}/host-secret`, wrong), 401, "ticket-invalid");
  const replacing = (claims?: TicketClaims) => ({ body: { ...wrong.body, claims } });
  assertRefused(await here.socket("PUT", `${path}/host-secret`, wrong), 400, "bad-json");
  assertRefused(await here.socket("PUT", `${path}/host-secret`, replacing(CLAIMS["guest"])), 403, "host-only");
  assert.deepEqual((await here.socket("PUT", `${path}/host-secret`, replacing(CLAIMS["host"]))).json, {
    generation: 2,
  });
  assertRefused(await here.socket("POST", "/internal/spaces", { body: newSpace }), 409, "conflict");
  assertRefused(await here.socket("GET", "/internal/spaces/1111111111"), 404, "no-space");
  const health = (await here.socket("GET", "/internal/health")).json;
  assert.deepEqual([health["role"], health["spaces"], health["version"]], ["stage", 1, "1"]);
  for (const [method, route] of [
    ["GET", "/internal/health"],
    ["GET", "/internal/spaces"],
    ["POST", "/internal/spaces"],
    ["GET", path],
    ["POST", `${path}/host-secret`],
    ["POST", `${path}/commands`],
  ] as const) {
    assertRefused(await here.tcp(method, route), 404, "no-page");
  }
});

test("no answer contains anything of the backstage lane", async () => {
  await using here = await withSpace();
  await here.tcp("POST", `/stage/${SPACE}`, { ...offer, as: "host" });
  await here.tcp("POST", `/stage/${SPACE}/commands`, { body: { do: "hand", up: true }, as: "guest" });
  const answers = await Promise.all([
    here.socket("GET", "/internal/spaces"),
    here.socket("GET", `/internal/spaces/${SPACE}`),
    here.socket("POST", `/internal/spaces/${SPACE}/host-secret`, { body: { secretHash: SECRET } }),
    here.socket("GET", "/internal/health"),
  ]);
  for (const { text } of answers) assert.ok(!text.includes(SECRET) && !text.includes("secretHash"));
});

test("limits the requests of one address on the public port, and not those of our own processes", async () => {
  await using here = await withSpace();
  const answers = await Promise.all(Array.from({ length: 300 }, () => here.tcp("GET", "/")));
  const refused = answers.find(({ status }) => status === 429);
  assert.ok(refused !== undefined);
  assertRefused(refused, 429, "too-many");
  assert.equal(refused.headers["retry-after"], "1");
  assert.equal((await here.socket("GET", "/internal/health")).status, 200);
});

test("answers any body on any route with a row of the error table", async () => {
  await using here = await withSpace();
  const anyBody = fc.oneof(
    fc.string(),
    fc.json(),
    fc.object().map((value) => JSON.stringify(value)),
  );
  const anyRoute = fc.constantFrom(
    ["POST", `/stage/${SPACE}/commands`],
    ["POST", `/stage/${SPACE}`],
    ["POST", "/internal/spaces"],
    ["POST", `/internal/spaces/${SPACE}/commands`],
    ["POST", `/internal/spaces/${SPACE}/host-secret`],
    ["PUT", `/internal/spaces/${SPACE}/host-secret`],
    ["DELETE", `/stage/${SPACE}/x`],
  );
  const anyType = fc.constantFrom("application/json", "application/sdp", "text/plain", "nonsense");
  await fc.assert(
    fc.asyncProperty(anyRoute, anyBody, anyType, async ([method = "", path = ""], body, type) => {
      const { status, json } = await here.socket(method, path, { body, type, as: "guest" });
      assert.ok(status >= 400 && status < 500, `${status} for ${method} ${path} ${type} ${body}`);
      assert.ok(isErrorCode(json["error"]));
    }),
    { numRuns: 150 },
  );
});

test("refuses a slow body without a ticket before the body has come, and waits for one with a ticket", async () => {
  await using here = await withSpace();
  const begin = (authorization: string) => {
    const socket = connect(here.stage.tcpPort, "127.0.0.1").setEncoding("latin1");
    socket.write(`POST /stage/${SPACE}/commands HTTP/1.1\r\nHost: a\r\n${authorization}Content-Length: 24\r\n`);
    socket.write("Content-Type: application/json\r\n\r\n{");
    return socket;
  };
  const slow = begin("");
  assert.match(String((await once(slow, "data"))[0]), /^HTTP\/1.1 401 /);
  const speaker = begin("Authorization: Bearer guest\r\n");
  speaker.write('"do":"hand","up":true} ');
  assert.match(String((await once(speaker, "data"))[0]), /^HTTP\/1.1 200 /);
  for (const socket of [slow, speaker]) socket.destroy();
});

test("the stage's own port ignores an upgrade, answers a target with scheme and host, and refuses two Host headers", async () => {
  await using here = await running();
  const talk = async (head: string) => {
    const socket = connect(here.stage.tcpPort, "127.0.0.1").setEncoding("latin1");
    socket.write(`${head}\r\n\r\n`);
    const [answer] = await once(socket, "data");
    socket.destroy();
    return String(answer);
  };
  const upgrade = "Host: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk";
  assert.match(await talk(`OPTIONS /stage/${SPACE} HTTP/1.1\r\n${upgrade}`), /^HTTP\/1.1 204 /);
  const absolute = await talk(`OPTIONS http://talk.example/stage/${SPACE} HTTP/1.1\r\nHost: a`);
  assert.match(absolute, /^HTTP\/1.1 204 [\s\S]*access-control-allow-origin: \*/);
  assert.match(await talk("OPTIONS / HTTP/1.1\r\nHost: a"), /^HTTP\/1.1 204 /);
  assert.match(await talk("OPTIONS * HTTP/1.1\r\nHost: a"), /^HTTP\/1.1 204 /);
  assert.match(await talk(`OPTIONS /stage/${SPACE} HTTP/1.1\r\nHost: a\r\nHost: b`), /^HTTP\/1.1 400 /);
});

test("answers bytes that are not a request with a row of the error table", async () => {
  await using here = await running();
  const socket = connect(here.stage.tcpPort, "127.0.0.1");
  socket.end("nonsense\r\n\r\n");
  let answer = "";
  for await (const part of socket) answer += part;
  assert.match(answer, /^HTTP\/1.1 400 /);
  assert.equal(JSON.parse(answer.split("\r\n\r\n")[1] as string).error, "bad-request");
});

test("rejects the start when the port is taken, and closes what it had opened", async () => {
  await using here = await running();
  await assert.rejects(running({ tcp: { host: "127.0.0.1", port: here.stage.tcpPort } }), { code: "EADDRINUSE" });
});
