import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { type ManualClock, manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { adoptHostLink, identityIn, rememberHost } from "./identity.ts";

const SPACE = "0123456789" as SpaceId;
const TICKET_MS = 600_000;
const scope = globalThis as unknown as Record<string, unknown>;
const realFetch = scope["fetch"];
let clock: ManualClock;
let store: Storage;
let asked: { readonly url: string; readonly body: unknown }[];
let answer: () => Response;

beforeEach(() => {
  clock = manualClock();
  asked = [];
  const kept = new Map<string, string>();
  store = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  } as Storage;
  answer = () =>
    json(200, { ticket: `t${asked.length}`, person: "p", name: "Ada", expiresUtcMs: clock.utcMs() + TICKET_MS });
  scope["fetch"] = async (url: string, { body }: { readonly body?: string }) => {
    asked.push({ url, body: body === undefined ? undefined : JSON.parse(body) });
    return answer();
  };
});

afterEach(() => {
  scope["fetch"] = realFetch;
});

const json = (status: number, body: unknown): Response => new Response(JSON.stringify(body), { status });

test("moves a host link's secret out of the address and makes its reader the host", async () => {
  let shown = "";
  const location = { hash: "#host=secret", pathname: `/s/${SPACE}`, search: "" } as Location;
  const history = {
    state: null,
    replaceState: (_: unknown, __: string, url: string) => {
      shown = url;
    },
  } as unknown as History;
  adoptHostLink(SPACE, location, history, store);
  assert.equal(shown, `/s/${SPACE}`);
  const identity = identityIn(SPACE, store, clock);
  assert.equal(identity.credential, "host-link");
  assert.equal(await identity.ticket(), "t1");
  assert.deepEqual(asked, [{ url: `/api/spaces/${SPACE}/tickets`, body: { secret: "secret" } }]);
  assert.equal(identity.person, "p");
});

test("forgets a host link that was replaced", async () => {
  rememberHost(SPACE, "old", store);
  answer = () => json(401, { error: "ticket-invalid", message: "", todo: "" });
  const identity = identityIn(SPACE, store, clock);
  await assert.rejects(identity.ticket(), { code: "ticket-revoked" });
  assert.equal(identity.credential, undefined);
  assert.equal(identity.hostUrl(), undefined);
});

test("keeps a ticket until two minutes are left of it, and requests one at a time", async () => {
  rememberHost(SPACE, "secret", store);
  const identity = identityIn(SPACE, store, clock);
  assert.deepEqual(await Promise.all([identity.ticket(), identity.ticket()]), ["t1", "t1"]);
  clock.advance(TICKET_MS - 121_000);
  assert.equal(await identity.ticket(), "t1");
  clock.advance(2_000);
  assert.equal(await identity.ticket(), "t2");
});

test("keeps a guest the same person after a reload", async () => {
  answer = () => json(201, { ticket: "t", pass: "pass", person: "g", expiresUtcMs: clock.utcMs() + TICKET_MS });
  const before = identityIn(SPACE, store, clock);
  assert.equal(before.credential, undefined);
  await before.introduce("Grace");
  assert.equal(before.name, "Grace");
  const after = identityIn(SPACE, store, clock);
  assert.equal(after.credential, "pass");
  await after.ticket();
  assert.deepEqual(asked.at(-1)?.body, { pass: "pass" });
});

test("keeps a guest the same person in the next space, until the server rejects the pass", async () => {
  const elsewhere = "abcdefghjk" as SpaceId;
  const granted = (pass: string) => () =>
    json(201, { ticket: "t", pass, person: "g", expiresUtcMs: clock.utcMs() + TICKET_MS });
  answer = granted("first");
  await identityIn(SPACE, store, clock).introduce("Grace");
  const there = identityIn(elsewhere, store, clock);
  assert.equal(there.credential, undefined, "a space in which the guest took no part has no credential");
  answer = granted("second");
  await there.introduce("Grace H.");
  assert.deepEqual(asked.at(-1), {
    url: `/api/spaces/${elsewhere}/guests`,
    body: { name: "Grace H.", pass: "first" },
  });
  const answers = [() => json(401, { error: "ticket-expired", message: "", todo: "" }), granted("third")];
  answer = () => (answers.shift() ?? granted("none"))();
  await identityIn("0000000000" as SpaceId, store, clock).introduce("Grace");
  assert.deepEqual(
    asked.slice(-2).map(({ body }) => body),
    [{ name: "Grace", pass: "second" }, { name: "Grace" }],
  );
});

test("replaces the kept pass with a renewed one", async () => {
  const granted = (pass: string) => () =>
    json(201, { ticket: "t", pass, person: "g", expiresUtcMs: clock.utcMs() + TICKET_MS });
  answer = granted("first");
  await identityIn(SPACE, store, clock).introduce("Grace");
  answer = granted("second");
  await identityIn(SPACE, store, clock).ticket();
  await identityIn(SPACE, store, clock).ticket();
  assert.deepEqual(asked.at(-1)?.body, { pass: "second" });
});

test("gives no ticket to a person without a secret or pass, and keeps the code of a refusal", async () => {
  const identity = identityIn(SPACE, store, clock);
  await assert.rejects(identity.ticket(), (error) => error instanceof Refusal && error.code === "no-ticket");
  rememberHost(SPACE, "old", store);
  answer = () => json(403, { error: "ended", message: "", todo: "" });
  await assert.rejects(identity.ticket(), (error) => error instanceof Refusal && error.code === "ended");
  answer = () => new Response("<html>502</html>", { status: 502 });
  await assert.rejects(identity.ticket(), (error) => error instanceof Refusal && error.code === "internal");
});
