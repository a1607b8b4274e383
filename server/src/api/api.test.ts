import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { TICKET_SECONDS } from "@hustings/wire/api/tickets.ts";
import { ERROR_TABLE, isErrorCode, Refusal } from "@hustings/wire/errors.ts";
import { isSpaceId } from "@hustings/wire/ids.ts";
import fc from "fast-check";
import { startApi } from "./api.ts";
import { MAX_BODY_BYTES } from "./api-context.ts";
import { edge, limits, nowhere, office } from "./testing/api-fixture.ts";

test("opens a space with a link, a host link and a ticket, and sends the stage only the hash of the secret", async (t) => {
  const { ask, stage, check } = await office(t);
  const { status, body, headers } = await ask("POST", "/api/spaces", { title: "  Open   evening ", name: "Ada" });
  assert.equal(status, 201);
  assert.ok(isSpaceId(body.id));
  assert.equal(body.url, `https://talk.example:8443/s/${body.id}`);
  const secret = body.hostUrl.slice(`${body.url}#host=`.length);
  assert.equal(Buffer.from(secret, "base64url").length, 32);
  assert.equal(headers["cache-control"], "no-store");
  const held = stage.spaces.get(body.id);
  assert.equal(held?.state.title, "Open evening");
  assert.ok(!JSON.stringify([...stage.spaces]).includes(secret));
  const claims = await check(`Bearer ${body.hostTicket}`, body.id);
  assert.deepEqual([claims.person, claims.generation, claims.name], [body.person, 1, "Ada"]);
});

test("exchanges the host link's secret, and no other, for a ticket", async (t) => {
  const { ask, open, check } = await office(t);
  const { id, secret, person } = await open();
  const { status, body } = await ask("POST", `/api/spaces/${id}/tickets`, { secret });
  assert.deepEqual([status, body.person, body.name], [200, person, "Ada"]);
  assert.equal((await check(`Bearer ${body.ticket}`, id)).person, person);
  for (const wrong of [secret.slice(0, -2) + (secret.endsWith("AA") ? "BB" : "AA"), "", "x".repeat(50)]) {
    assert.equal((await ask("POST", `/api/spaces/${id}/tickets`, { secret: wrong })).body.error, "ticket-invalid");
  }
  assert.equal((await ask("POST", `/api/spaces/${id}/tickets`, {})).body.error, "bad-json");
  assert.equal((await ask("POST", `/api/spaces/${id}/tickets`, { secret, pass: "x" })).body.error, "bad-json");
});

test("gives a guest a ticket and a pass, and exchanges the pass for new tickets of the same person", async (t) => {
  const { ask, open, check, clock } = await office(t);
  const { id } = await open();
  const first = await ask("POST", `/api/spaces/${id}/guests`, { name: "Grace" });
  assert.equal(first.status, 201);
  clock.advance((TICKET_SECONDS + 60) * 1000);
  await assert.rejects(check(`Bearer ${first.body.ticket}`, id), Refusal);
  const again = await ask("POST", `/api/spaces/${id}/tickets`, { pass: first.body.pass });
  assert.equal(again.body.person, first.body.person);
  assert.equal((await check(`Bearer ${again.body.ticket}`, id)).name, "Grace");
  assert.equal(
    (await ask("POST", `/api/spaces/${id}/tickets`, { pass: again.body.ticket })).body.error,
    "ticket-invalid",
  );
});

test("a guest who shows a pass is the same person in another space, under the name they give there", async (t) => {
  const { ask, open } = await office(t);
  const [here, there] = [await open(), await open()];
  const { person, pass } = (await ask("POST", `/api/spaces/${here.id}/guests`, { name: "Grace" })).body;
  const { body } = await ask("POST", `/api/spaces/${there.id}/guests`, { name: "Grace H.", pass });
  assert.deepEqual([body.person, body.name], [person, "Grace H."]);
  const forged = { name: "Eve", pass: `${pass.slice(0, -9)}AAAAAAAAA` };
  assert.equal((await ask("POST", `/api/spaces/${there.id}/guests`, forged)).body.error, "ticket-invalid");
});

test("refuses guests of a space that ended or never existed", async (t) => {
  const { ask, open, stage } = await office(t);
  const { id } = await open();
  const held = stage.spaces.get(id);
  assert.ok(held);
  held.state = { ...held.state, phase: "ended" };
  assert.equal((await ask("POST", `/api/spaces/${id}/guests`, { name: "Ada" })).status, 410);
  assert.equal((await ask("POST", `/api/spaces/${nowhere}/guests`, { name: "Ada" })).status, 404);
  assert.equal((await ask("POST", "/api/spaces/UPPER/guests", { name: "Ada" })).body.error, "no-space");
});

test("names an unknown command when it refuses it", async (t) => {
  const { ask, open } = await office(t);
  const { id, hostTicket } = await open();
  const bearer = { authorization: `Bearer ${hostTicket}` };
  const { status, body } = await ask("POST", `/api/spaces/${id}/commands`, { do: "dance" }, bearer);
  assert.equal(status, 400);
  assert.match(body.message, /dance/);
});

test("replaces the host link, after which the old secret is refused", async (t) => {
  const { ask, open, stage } = await office(t);
  const { id, secret, hostTicket } = await open();
  const bearer = { authorization: `Bearer ${hostTicket}` };
  const { status, body } = await ask("POST", `/api/spaces/${id}/host-link`, undefined, bearer);
  assert.equal(status, 200);
  assert.equal(body.hostUrl, `https://talk.example:8443/s/${id}#host=${body.secret}`);
  assert.equal((await ask("POST", `/api/spaces/${id}/tickets`, { secret })).body.error, "ticket-invalid");
  assert.equal((await ask("POST", `/api/spaces/${id}/tickets`, { secret: body.secret })).status, 200);
  assert.deepEqual(
    stage.replacedBy.map(({ person }) => person),
    [stage.spaces.get(id)?.state.host?.person],
  );
  const call = "c".repeat(20);
  assert.equal((await ask("POST", `/api/spaces/${id}/host-link`, { call }, bearer)).status, 200);
  assert.deepEqual(stage.keptCalls, [undefined, call]);
  assert.equal((await ask("POST", `/api/spaces/${id}/host-link`, { call: 7 }, bearer)).body.error, "bad-json");
  stage.refuseNext = new Refusal("host-only");
  assert.equal((await ask("POST", `/api/spaces/${id}/host-link`, undefined, bearer)).body.error, "host-only");
});

test("serves a recording whole, by range and by HEAD, and answers 304 when it is unchanged", async (t) => {
  const { ask, open } = await office(t);
  const { id } = await open();
  const path = `/api/spaces/${id}/recording.mp4`;
  const whole = await ask("GET", path);
  assert.deepEqual([whole.status, whole.text, whole.headers["content-length"]], [200, "0123456789", "10"]);
  assert.equal(whole.headers["content-type"], "video/mp4");
  assert.match(
    String(whole.headers["content-disposition"]),
    /^inline; filename="_a va- -ok-\.mp4"; filename\*=UTF-8''%C3%87/,
  );
  const part = await ask("GET", path, undefined, { range: "bytes=2-4" });
  assert.deepEqual([part.status, part.text, part.headers["content-range"]], [206, "234", "bytes 2-4/10"]);
  const head = await ask("HEAD", path, undefined, { range: "bytes=-3" });
  assert.deepEqual([head.status, head.text, head.headers["content-length"]], [206, "", "3"]);
  const outside = await ask("GET", path, undefined, { range: "bytes=10-" });
  assert.deepEqual([outside.status, outside.headers["content-range"]], [416, "bytes */10"]);
  assert.equal((await ask("GET", path, undefined, { "if-none-match": '"v1"' })).status, 304);
  const newer = { range: "bytes=2-4", "if-range": '"v0"' };
  assert.equal((await ask("GET", path, undefined, newer)).status, 200);
  const ogg = await ask("GET", `/api/spaces/${id}/recording.ogg`, undefined, { range: "bytes=8-" });
  assert.deepEqual([ogg.status, ogg.text, ogg.headers["content-type"]], [206, "89", "audio/ogg"]);
  assert.match(String(ogg.headers["content-disposition"]), /\.ogg"/);
  assert.equal((await ask("GET", `/api/spaces/${nowhere}/recording.mp4`)).body.error, "no-recording");
});

test("gives the picture of a space, or leads to the one for all", async (t) => {
  const { ask, open } = await office(t);
  const { id } = await open();
  const picture = await ask("GET", `/api/spaces/${id}/picture.png?v=live-1`);
  assert.deepEqual([picture.status, picture.headers["content-type"]], [200, "image/png"]);
  const none = await ask("GET", `/api/spaces/${nowhere}/picture.png`);
  assert.deepEqual([none.status, none.headers["location"]], [302, "/link.png"]);
  assert.equal((await ask("GET", "/api/spaces/x/picture.png")).body.error, "no-space");
});

test("gives the spaces that can be heard again in pages", async (t) => {
  const { ask } = await office(t);
  const first = await ask("GET", "/api/spaces/past");
  assert.deepEqual(first.body, { spaces: [], next: `/api/spaces/past/${nowhere}` });
  assert.match(String(first.headers["cache-control"]), /^public, max-age=5/);
  assert.equal((await ask("GET", first.body.next)).body.error, "no-space");
  assert.equal((await ask("GET", "/api/spaces/past/0123456789")).body.next, null);
  assert.equal((await ask("GET", "/api/spaces/past/..%2f")).body.error, "no-space");
});

test("refuses an address over its limit with the time to wait, and no other address", async (t) => {
  const { ask, clock } = await office(t, { newSpaces: limits(2, 100) });
  const from = (address: string) => ask("POST", "/api/spaces", { title: "x" }, { ...edge, "x-forwarded-for": address });
  assert.deepEqual([(await from("192.0.2.1")).status, (await from("192.0.2.1")).status], [201, 201]);
  const third = await from("192.0.2.1");
  assert.deepEqual([third.status, third.body.error, third.headers["retry-after"]], [429, "too-many", "30"]);
  assert.equal((await from("192.0.2.2")).status, 201);
  assert.equal((await from("198.51.100.7, 192.0.2.1")).status, 429, "only the edge's own word counts");
  clock.advance(30_000);
  assert.equal((await from("192.0.2.1")).status, 201);
});

test("limits all addresses together too", async (t) => {
  const { ask } = await office(t, { newSpaces: limits(2, 3) });
  const statuses = [];
  for (let i = 0; i < 4; i++) {
    const headers = { ...edge, "x-forwarded-for": `192.0.2.${i}` };
    statuses.push((await ask("POST", "/api/spaces", { title: "x" }, headers)).status);
  }
  assert.deepEqual(statuses, [201, 201, 201, 429]);
});

test("answers stage-away with a time to retry when the stage is gone, silent or sends garbage", async (t) => {
  const { ask, open, stage, stop, options } = await office(t);
  const { id } = await open();
  const impatient = await office(t, { stageDeadlineMs: 50, stageSocketPath: options.stageSocketPath });
  for (const [instead, asking] of [["hang", impatient.ask] as const, ["garbage", ask] as const]) {
    stage.refuseNext = instead;
    const { status, body, headers } = await asking("POST", `/api/spaces/${id}/guests`, { name: "Ada" });
    assert.deepEqual([status, body.error, headers["retry-after"]], [503, "stage-away", "1"], instead);
  }
  stage.refuseNext = new Refusal("too-many-spaces");
  assert.equal((await ask("POST", "/api/spaces", { title: "x" })).body.error, "too-many-spaces");
  await stop();
  assert.equal((await ask("POST", "/api/spaces", { title: "x" })).body.error, "stage-away");
});

test("opens no spaces where only the operator may", async (t) => {
  const { ask, stage } = await office(t, { openSpaces: "nobody" });
  const { status, body } = await ask("POST", "/api/spaces", { title: "x" });
  assert.deepEqual([status, body.error, stage.asked], [403, "opening-closed", []]);
});

test("every link begins with the public URL, whatever the request says", async (t) => {
  const { ask } = await office(t, { publicUrl: "https://talk.example" });
  const { body } = await ask("POST", "/api/spaces", { title: "x" }, { "x-forwarded-host": "evil.example" });
  assert.equal(body.url, `https://talk.example/s/${body.id}`);
});

test("tells the server's addresses: the public URL to everybody, those on its networks only to its own machine", async (t) => {
  const invitationUrls = () => ["http://192.168.0.10:8080"];
  const { ask } = await office(t, { publicUrl: "https://talk.example", invitationUrls });
  const stranger = await ask("GET", "/api/addresses");
  assert.deepEqual([stranger.status, stranger.headers["cache-control"]], [200, "no-store"]);
  assert.deepEqual(stranger.body, { publicUrl: "https://talk.example", networkUrls: [] });
  for (const address of ["127.0.0.1", "::1"]) {
    const { body } = await ask("GET", "/api/addresses", undefined, { "x-forwarded-for": address });
    assert.deepEqual(body.networkUrls, invitationUrls(), address);
  }
  const { ask: askOther } = await office(t);
  assert.deepEqual((await askOther("GET", "/api/addresses")).body, { publicUrl: null, networkUrls: [] });
});

test("answers a large body, bad JSON, another type, another method and an unknown path with rows of the table", async (t) => {
  const { ask, app } = await office(t);
  const large = await ask("POST", "/api/spaces", { title: "x".repeat(MAX_BODY_BYTES) });
  assert.deepEqual([large.status, large.body.error], [413, "too-large"]);
  const raw = async (type: string, payload: string) => {
    const headers = { "content-type": type };
    return (await app.inject({ method: "POST", url: "/api/spaces", headers, payload })).json().error;
  };
  assert.equal(await raw("application/json", "{"), "bad-json");
  assert.equal(await raw("application/json", ""), "bad-json");
  assert.equal(await raw("text/plain", '{"title":"x"}'), "bad-json");
  assert.equal(await raw("application/json", '{"title":"x","__proto__":{}}'), "bad-json");
  const deleted = await ask("DELETE", "/api/spaces");
  assert.deepEqual([deleted.status, deleted.headers["allow"]], [405, "POST, OPTIONS"]);
  const options = await ask("OPTIONS", "/api/spaces");
  assert.deepEqual([options.status, options.headers["allow"]], [204, "POST, OPTIONS"]);
  assert.equal((await ask("GET", "/api/nothing")).body.error, "no-page");
});

test("answers any body with a row of the table, without an internal error", async (t) => {
  const { app, open, failures } = await office(t, { newSpaces: limits(1e6, 1e6), newGuests: limits(1e6, 1e6) });
  const { id, hostTicket } = await open();
  const paths = ["", `/${id}/tickets`, `/${id}/guests`, `/${id}/commands`, `/${id}/live`, "/%00/guests", "/a%2fb/end"];
  const bodies = fc.oneof(
    fc.json(),
    fc.string(),
    fc
      .record({ title: fc.string({ unit: "binary" }), name: fc.anything() }, { requiredKeys: [] })
      .map((v) => JSON.stringify(v)),
    fc
      .record({ do: fc.constantFrom("mute", "title", "hand", "lower"), seat: fc.anything(), title: fc.string() })
      .map((v) => JSON.stringify(v)),
  );
  const method = fc.constantFrom("POST", "GET", "PUT", "DELETE");
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), method, bodies, async (path, method, payload) => {
      const headers = { "content-type": "application/json", authorization: `Bearer ${hostTicket}` };
      const url = `/api/spaces${path}`;
      const answer = await app.inject(
        method === "GET" ? { method, url, headers } : { method, url, headers, payload: payload ?? "" },
      );
      if (answer.statusCode < 400) return;
      const { error, message, todo } = answer.json();
      assert.ok(isErrorCode(error) && typeof message === "string" && typeof todo === "string", answer.body);
      assert.equal(answer.statusCode, ERROR_TABLE[error].status);
    }),
    { numRuns: 400 },
  );
  assert.deepEqual(failures, []);
});

test("describes every route with its refusals, and the routes of other processes", async (t) => {
  const { ask } = await office(t);
  const { body } = await ask("GET", "/api/openapi.json");
  assert.deepEqual(Object.keys(body.paths).sort(), described);
  for (const [path, item] of Object.entries(body.paths as Record<string, Record<string, { responses: object }>>)) {
    for (const [method, { responses }] of Object.entries(item)) {
      if (method === "parameters") continue;
      const statuses = Object.keys(responses ?? {});
      if (path.startsWith("/api/spaces"))
        assert.ok(
          statuses.some((status) => status >= "400"),
          `${method} ${path}`,
        );
    }
  }
  assert.match(body.paths["/api/spaces/{id}/commands"].post.responses["401"].description, /no-ticket.*ticket-revoked/);
  assert.ok(!JSON.stringify(body).includes("/internal/"));
});

test("answers on its socket, which only its owner can reach, and replaces the socket of a dead server", async (t) => {
  const { options } = await office(t);
  await using _first = await startApi(options);
  const health = await overSocket(options.socketPath, "/internal/health");
  assert.deepEqual(JSON.parse(health), { role: "api", pid: process.pid, version: "0.0.1" });
});

const described = [
  "/",
  "/api/addresses",
  "/api/openapi.json",
  "/api/spaces",
  "/api/spaces/past",
  "/api/spaces/past/{id}",
  "/api/spaces/{id}/commands",
  "/api/spaces/{id}/end",
  "/api/spaces/{id}/guests",
  "/api/spaces/{id}/host-link",
  "/api/spaces/{id}/live",
  "/api/spaces/{id}/picture.png",
  "/api/spaces/{id}/recording.mp4",
  "/api/spaces/{id}/recording.ogg",
  "/api/spaces/{id}/room",
  "/api/spaces/{id}/tickets",
  "/hold.mp4",
  "/listen/{id}",
  "/s/{id}",
  "/stage/{id}",
  "/stage/{id}/{peer}",
];

function overSocket(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path }, (response) => {
      let text = "";
      response.on("data", (part) => {
        text += part;
      });
      response.on("end", () => resolve(text));
    });
    asked.on("error", reject);
    asked.end();
  });
}
