import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { test } from "node:test";
import { Refusal } from "@hustings/wire/errors.ts";
import Fastify, { type FastifyInstance } from "fastify";
import {
  answerFastifyErrors,
  type RefusalHooks,
  refusalOfFastifyError,
  refuseMalformedRequest,
  sendFastifyRefusal,
} from "./fastify-refusals.ts";

function createHttp(hooks: Partial<RefusalHooks> = {}): FastifyInstance {
  const http = Fastify({ bodyLimit: 100, clientErrorHandler: refuseMalformedRequest });
  answerFastifyErrors(http, { onFailure: () => assert.fail("no failure is expected"), ...hooks });
  http.post("/body", async () => "ok");
  return http;
}

const json = (payload: string) => ({ payload, headers: { "content-type": "application/json" } });

test("answers the errors of Fastify as rows of the error table, each with its reason", async () => {
  const http = createHttp();
  http.post("/number", { schema: { body: { type: "object", required: ["n"] } } }, async () => "ok");
  const post = async (url: string, request: object) => {
    const answer = await http.inject({ method: "POST", url, ...request });
    return [answer.statusCode, answer.json().error, answer.json().message];
  };
  assert.deepEqual(await post("/body", json("{")), [400, "bad-json", new Refusal("bad-json").message]);
  assert.deepEqual(await post("/body", json("")), [400, "bad-json", new Refusal("bad-json").message]);
  assert.deepEqual(await post("/body", json(`"${"x".repeat(200)}"`)), [
    ...[413, "too-large", "A body has at most 100 bytes."],
  ]);
  const xml = { payload: "<x/>", headers: { "content-type": "text/xml" } };
  assert.deepEqual(await post("/body", xml), [400, "bad-json", "The body is not application/json."]);
  assert.deepEqual(await post("/number", json("{}")), [400, "bad-json", "body must have required property 'n'."]);
});

test("a refusal carries its headers: when to retry, how to authorize, and not to be cached", async () => {
  const http = createHttp();
  http.get("/busy", async () => Promise.reject(new Refusal("too-many", undefined, { retryAfterMs: 1_500 })));
  http.get("/private", async () => Promise.reject(new Refusal("no-ticket")));
  http.setNotFoundHandler((_request, reply) => sendFastifyRefusal(reply, new Refusal("no-page")));
  const busy = await http.inject("/busy");
  assert.deepEqual([busy.statusCode, busy.headers["retry-after"]], [429, "2"]);
  assert.equal(busy.headers["cache-control"], "no-store");
  const secret = await http.inject("/private");
  assert.deepEqual([secret.statusCode, secret.headers["www-authenticate"]], [401, "Bearer"]);
  assert.equal((await http.inject("/nothing")).json().error, "no-page");
});

test("a bug is answered as internal without its text, and reported with its cause and route", async () => {
  const failures: unknown[] = [];
  const http = createHttp({ onFailure: ({ code }, cause, route) => failures.push([code, cause, route]) });
  const bug = new Error("secret detail");
  http.get("/bug/:id", async () => Promise.reject(bug));
  const answer = await http.inject("/bug/7");
  assert.deepEqual([answer.statusCode, answer.json().error], [500, "internal"]);
  assert.ok(!answer.body.includes("secret detail"));
  assert.deepEqual(failures, [["internal", bug, "GET /bug/:id"]]);
});

test("a server chooses another row for one of Fastify's errors, and not for its own refusals", async () => {
  const http = createHttp({ refusalOf: () => new Refusal("bad-offer-type") });
  http.get("/refused", async () => Promise.reject(new Refusal("no-space")));
  assert.equal((await http.inject({ method: "POST", url: "/body", ...json("{") })).statusCode, 415);
  assert.equal((await http.inject("/refused")).statusCode, 404);
});

test("answers bytes that are not a request, and headers that are too large", async () => {
  const http = createHttp();
  await http.listen({ host: "127.0.0.1", port: 0 });
  const { port } = http.server.address() as AddressInfo;
  const ask = async (text: string): Promise<[string, string]> => {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.write(text);
    let answer = "";
    for await (const part of socket) answer += part;
    return [answer.split(" ")[1] ?? "", JSON.parse(answer.split("\r\n\r\n")[1] ?? "{}").error];
  };
  assert.deepEqual(await ask("nonsense\r\n\r\n"), ["400", "bad-request"]);
  assert.deepEqual(await ask(`GET / HTTP/1.1\r\nx: ${"y".repeat(70_000)}\r\n\r\n`), ["413", "too-large"]);
  await http.close();
});

test("an error that Fastify gives a status of 4xx is the sender's, any other is ours", () => {
  const withStatus = (statusCode: number) => Object.assign(new Error("x"), { statusCode });
  assert.equal(refusalOfFastifyError(withStatus(414)).code, "bad-request");
  assert.equal(refusalOfFastifyError(withStatus(503)).code, "internal");
  assert.equal(refusalOfFastifyError(new SyntaxError("x")).code, "bad-json");
});
