import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { type ManualClock, manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { type ErrorCode, Refusal } from "@hustings/wire/errors.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { type BrowserStore, openStore } from "./browser-store.ts";
import { adoptHostLink, credentialIn, hostUrlIn, rememberHost } from "./credential.ts";
import { identityIn } from "./identity.ts";

const SPACE = "0123456789" as SpaceId;
const TICKET_MS = 600_000;
const scope = globalThis as unknown as Record<string, unknown>;
const realFetch = scope["fetch"];
let clock: ManualClock;
let store: BrowserStore;
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
    isLasting: true,
  };
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
  assert.equal(credentialIn(SPACE, store), "host-link");
  assert.equal(await identity.ticket(), "t1");
  assert.deepEqual(asked, [{ url: `/api/spaces/${SPACE}/tickets`, body: { secret: "secret" } }]);
  assert.equal(identity.person, "p");
});

test("leaves a host link in the address when the browser would not remember it", () => {
  const location = { hash: "#host=secret", pathname: `/s/${SPACE}`, search: "" } as Location;
  const history = { replaceState: () => assert.fail("the address changed") } as unknown as History;
  const blocked = openStore(() => {
    throw new DOMException("blocked", "SecurityError");
  });
  adoptHostLink(SPACE, location, history, blocked);
  assert.equal(credentialIn(SPACE, blocked), "host-link");
});

test("forgets a host link that was replaced, and reports it", async () => {
  rememberHost(SPACE, "old", store);
  answer = () => json(401, { error: "ticket-invalid", message: "", todo: "" });
  let isDead = false;
  const identity = identityIn(SPACE, store, clock, () => {
    isDead = true;
  });
  await assert.rejects(identity.ticket(), { code: "ticket-revoked" });
  assert.equal(isDead, true);
  assert.equal(credentialIn(SPACE, store), undefined);
  assert.equal(hostUrlIn(SPACE, store, "https://h"), undefined);
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

test("replaces a ticket that the server refuses as expired, whatever the clock of this computer says", async () => {
  rememberHost(SPACE, "secret", store);
  const identity = identityIn(SPACE, store, clock);
  const used: string[] = [];
  const act = async (ticket: string) => {
    used.push(ticket);
    if (used.length === 1) throw new Refusal("ticket-expired");
    return "done";
  };
  assert.equal(await identity.withTicket(act), "done");
  assert.deepEqual(used, ["t1", "t2"]);
  assert.equal(await identity.ticket(), "t2");
});

test("gives up when the server refuses a new ticket too, and after any other refusal", async () => {
  rememberHost(SPACE, "secret", store);
  const identity = identityIn(SPACE, store, clock);
  const refusing = (code: ErrorCode) => async () => {
    throw new Refusal(code);
  };
  await assert.rejects(identity.withTicket(refusing("ticket-expired")), { code: "ticket-expired" });
  assert.equal(asked.length, 2);
  await assert.rejects(identity.withTicket(refusing("stage-full")), { code: "stage-full" });
  assert.equal(asked.length, 2);
});

test("judges the age of a ticket by time that passed, not by the clock that a person sets", async () => {
  rememberHost(SPACE, "secret", store);
  const identity = identityIn(SPACE, store, clock);
  await identity.ticket();
  clock.setUtcMs(clock.utcMs() - 3_600_000);
  clock.advance(TICKET_MS - 119_000);
  assert.equal(await identity.ticket(), "t2");
  clock.setUtcMs(clock.utcMs() + 7_200_000);
  assert.equal(await identity.ticket(), "t2");
});

test("asks for no ticket while the host link is being replaced", async () => {
  rememberHost(SPACE, "old", store);
  const identity = identityIn(SPACE, store, clock);
  await identity.ticket();
  const replaced = Promise.withResolvers<Response>();
  const isAsked = Promise.withResolvers<void>();
  scope["fetch"] = async (url: string, { body }: { readonly body?: string }) => {
    asked.push({ url, body: body === undefined ? undefined : JSON.parse(body) });
    if (!url.endsWith("/host-link")) return answer();
    isAsked.resolve();
    return replaced.promise;
  };
  const replacing = identity.replaceHostLink(undefined);
  await isAsked.promise;
  const renewing = identity.renew();
  replaced.resolve(json(201, { secret: "new", hostUrl: "https://h/s/1#host=new" }));
  await Promise.all([replacing, renewing]);
  assert.deepEqual(asked.at(-1)?.body, { secret: "new" });
});

test("keeps a guest the same person after a reload", async () => {
  answer = () => json(201, { ticket: "t", pass: "pass", person: "g", expiresUtcMs: clock.utcMs() + TICKET_MS });
  const before = identityIn(SPACE, store, clock);
  assert.equal(credentialIn(SPACE, store), undefined);
  await before.introduce("Grace");
  assert.equal(before.name, "Grace");
  const after = identityIn(SPACE, store, clock);
  assert.equal(credentialIn(SPACE, store), "pass");
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
  assert.equal(credentialIn(elsewhere, store), undefined, "a space in which the guest took no part has no credential");
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
