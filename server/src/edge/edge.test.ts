import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { appendSlot, fragmentOf, SPACE } from "../replica/testing/fake-upstream.ts";
import { advanceUntil, get, listen, startFixture, talk } from "./testing/edge-fixture.ts";

test("sends a listener a snapshot, enough sound to play at once, and then every slot in order", async () => {
  await using fixture = await startFixture();
  const { stage, edge, clock } = fixture;
  const log = await stage.create(SPACE);
  for (let slot = 0; slot < 100; slot++) appendSlot(log, slot);
  const listener = listen(edge.port);
  await listener.until(() => listener.slots().length > 0);
  const [first, second] = listener.got;
  assert.equal(first?.kind, "snapshot");
  assert.equal(second?.kind, "sound");
  assert.deepEqual(
    listener.slots(),
    Array.from({ length: 9 }, (_, i) => 91 + i),
  );
  if (first?.kind === "snapshot") {
    assert.equal(first.snapshot.headSlot, 99);
    assert.equal(first.snapshot.nextSlot, 91);
    assert.equal(first.snapshot.cadenceMs, 200);
    assert.equal(first.snapshot.state.title, "A title");
  }
  for (let slot = 100; slot < 110; slot++) {
    appendSlot(log, slot);
    await clock.advanceAsync(200);
  }
  await advanceUntil(clock, () => listener.slots().at(-1) === 109);
  assert.deepEqual(
    listener.slots(),
    Array.from({ length: 19 }, (_, i) => 91 + i),
  );
});

test("closes a listener of an unknown space with 4404, and answers 404 for its room document", async () => {
  await using fixture = await startFixture();
  const { port } = fixture.edge;
  assert.equal((await listen(port, "/listen/nosuch0000").closed()).code, 4404);
  assert.equal((await listen(port, "/listen/not-an-id").closed()).code, 4404);
  assert.equal((await get(port, "/api/spaces/nosuch0000/room")).status, 404);
  assert.equal((await get(port, "/s/nosuch0000")).status, 404);
});

test("refuses a malformed upgrade with its error row, and closes a malformed cursor with 4401", async () => {
  await using fixture = await startFixture();
  await fixture.stage.create(SPACE);
  const { port } = fixture.edge;
  const upgrade = (path: string, more = "") =>
    talk(port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${more}\r\n`);
  assert.match(await upgrade(`/listen/${SPACE}`), /^HTTP\/1.1 400 [\s\S]*bad-request[\s\S]*hustings\.1/);
  assert.match(await upgrade("/elsewhere"), /^HTTP\/1.1 404 [\s\S]*no-page/);
  assert.match(await upgrade(`/listen/${SPACE}`, "Sec-WebSocket-Protocol: hustings.1\r\n"), /^HTTP\/1.1 400 /);
  for (const next of ["x", "-1", "1.5", "99999999999", ""])
    assert.equal((await listen(port, `/listen/${SPACE}?next=${next}`).closed()).code, 4401);
  assert.equal((await listen(port, `/listen/${SPACE}?seq=abc`).closed()).code, 4401);
  assert.equal((await listen(port, `/listen/${SPACE}?r=64`).closed()).code, 4400);
});

test("closes with 4402 for nonsense and binary, 4429 for too many messages, 4413 for too long a message", async () => {
  await using fixture = await startFixture();
  await fixture.stage.create(SPACE);
  const { port } = fixture.edge;
  const saying = async (say: (socket: ReturnType<typeof listen>["socket"]) => void) => {
    const listener = listen(port);
    await listener.until(() => listener.got.length > 0);
    say(listener.socket);
    return (await listener.closed()).code;
  };
  assert.equal(await saying((socket) => socket.send("nonsense")), 4402);
  assert.equal(await saying((socket) => socket.send(Buffer.from([1, 2, 3]))), 4402);
  assert.equal(await saying((socket) => socket.send("x".repeat(1_100))), 4413);
  const six = [1, 2, 3, 4, 5, 6];
  assert.equal(await saying((socket) => six.map((echo) => socket.send(JSON.stringify({ kind: "ping", echo })))), 4429);
  assert.equal(await saying((socket) => six.map(() => socket.ping())), 4429);
});

test("answers a listener's ping with the edge's clock", async () => {
  await using fixture = await startFixture();
  await fixture.stage.create(SPACE);
  const listener = listen(fixture.edge.port);
  await listener.until(() => listener.got.length > 0);
  listener.socket.send('{"kind":"ping","echo":42}');
  const pong = () => listener.got.find((one) => one.kind === "notice" && one.notice.kind === "pong");
  await listener.until(() => pong() !== undefined);
  const utcMs = fixture.clock.utcMs();
  assert.deepEqual(pong(), { kind: "notice", notice: { kind: "pong", echo: 42, utcMs } });
});

test("refuses too many or too large headers, and a request that is not HTTP, with an error row", async () => {
  await using fixture = await startFixture();
  const { port } = fixture.edge;
  const headers = (count: number) => Array.from({ length: count }, (_, i) => `x-${i}: 1\r\n`).join("");
  assert.match(
    await talk(port, `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${headers(62)}\r\n`),
    /^HTTP\/1.1 200 /,
  );
  assert.match(
    await talk(port, `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${headers(63)}\r\n`),
    /^HTTP\/1.1 413 /,
  );
  assert.match(await talk(port, `GET / HTTP/1.1\r\nHost: a\r\nx: ${"y".repeat(17_000)}\r\n\r\n`), /^HTTP\/1.1 413 /);
  assert.match(await talk(port, "\u0016\u0003\u0001 hello\r\n\r\n"), /^HTTP\/1.1 400 [\s\S]*bad-request/);
  assert.match(await talk(port, "GET //evil HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), /^HTTP\/1.1 400 /);
});

test("remembers ten thousand unknown ids within the limit, and asks the stage about few of them", async () => {
  await using fixture = await startFixture({ limits: { unknownSpaces: 100 } });
  const { edge, stage } = fixture;
  for (let from = 0; from < 10_000; from += 100) {
    const ids = Array.from({ length: 100 }, (_, i) => String(from + i).padStart(10, "0"));
    const answers = await Promise.all(ids.map((id) => get(edge.port, `/api/spaces/${id}/room`)));
    for (const { status } of answers) assert.ok(status === 404 || status === 429);
  }
  assert.ok(stage.lookUpCount <= 200, `${stage.lookUpCount} questions`);
  assert.equal(edge.spaces, 0);
});

test("while the stage is away listeners stay, newcomers are served and the room is stale; afterwards no slot comes twice", async () => {
  await using fixture = await startFixture();
  const { edge, stage, clock } = fixture;
  const log = await stage.create(SPACE);
  for (let slot = 0; slot < 20; slot++) appendSlot(log, slot);
  const listener = listen(edge.port);
  await listener.until(() => listener.slots().length > 0);
  stage.setAway(true);
  const isTold = (away: boolean) => () =>
    listener.got.some((one) => one.kind === "notice" && one.notice.kind === "upstream" && one.notice.away === away);
  await advanceUntil(clock, isTold(true));
  const room = await get(edge.port, `/api/spaces/${SPACE}/room`);
  assert.equal(room.status, 200);
  assert.equal(JSON.parse(room.body).stale, true);
  const late = listen(edge.port);
  await late.until(() => late.slots().length > 0);
  for (let slot = 20; slot < 30; slot++) appendSlot(log, slot);
  stage.setAway(false);
  await advanceUntil(clock, () => isTold(false)() && listener.slots().at(-1) === 29 && late.slots().at(-1) === 29);
  const expected = Array.from({ length: 19 }, (_, i) => 11 + i);
  assert.deepEqual(listener.slots(), expected);
  assert.deepEqual(late.slots(), expected);
  assert.equal(JSON.parse((await get(edge.port, `/api/spaces/${SPACE}/room`)).body).stale, false);
});

test("refuses an unknown space with stage-away and a retry time while the stage is away", async () => {
  await using fixture = await startFixture();
  fixture.stage.setAway(true);
  const answer = await get(fixture.edge.port, `/api/spaces/${SPACE}/room`);
  assert.equal(answer.status, 503);
  assert.equal(JSON.parse(answer.body).error, "stage-away");
  assert.equal(answer.headers["retry-after"], "1");
  assert.equal((await listen(fixture.edge.port).closed()).code, 4503);
  assert.equal((await get(fixture.edge.port, `/s/${SPACE}`)).status, 200);
});

test("closes a reader that stalls with 4408 while another gets every slot", async () => {
  await using fixture = await startFixture();
  const { edge, stage, clock } = fixture;
  const log = await stage.create(SPACE);
  const stalled = listen(edge.port);
  const other = listen(edge.port);
  await stalled.until(() => stalled.got.length > 0);
  await other.until(() => other.got.length > 0);
  stalled.socket.pause();
  const fragment = (slot: number) => log.appendSound("32", slot, fragmentOf(slot, 1_200));
  let slot = 0;
  // The kernel buffers some megabytes before anything waits in the process.
  while (edge.listeners > 1 && slot < 5_000) {
    fragment(slot++);
    await advanceUntil(clock, () => other.slots().at(-1) === slot - 1);
    await clock.advanceAsync(200);
  }
  assert.ok(slot < 5_000);
  assert.equal(other.slots().length, slot);
  stalled.socket.terminate();
});

test("a drain closes every listener with 4505 and refuses new connections", async () => {
  await using fixture = await startFixture();
  const { edge, stage, clock } = fixture;
  await stage.create(SPACE);
  const listeners = Array.from({ length: 10 }, () => listen(edge.port));
  for (const one of listeners) await one.until(() => one.got.length > 0);
  const drained = edge.drain(1_000);
  let isDrained = false;
  void drained.then(() => {
    isDrained = true;
  });
  await advanceUntil(clock, () => isDrained);
  for (const one of listeners) assert.equal((await one.closed()).code, 4505);
  await edge.finished;
  await assert.rejects(get(edge.port, "/"));
});

test("answers a request during a drain if its connection was accepted before", async () => {
  await using fixture = await startFixture();
  const { edge, clock } = fixture;
  const client = connect({ host: "127.0.0.1", port: edge.port });
  await once(client, "connect");
  // Connections are accepted in order.
  await get(edge.port, "/");
  const drained = edge.drain(1_000);
  client.write("GET / HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n");
  let answer = "";
  for await (const bytes of client) answer += String(bytes);
  assert.match(answer, /^HTTP\/1\.1 200 /);
  let isDrained = false;
  void drained.then(() => {
    isDrained = true;
  });
  await advanceUntil(clock, () => isDrained);
});

test("closes listeners beyond the limit and the queue with 4506 and a time, and answers 429 to upgrades beyond the rate", async () => {
  await using fixture = await startFixture({
    limits: { listeners: 2, queued: 0, upgradesBurst: 4, upgradesPerSecond: 1 },
    trustedProxies: ["127.0.0.1"],
  });
  const { edge, stage } = fixture;
  await stage.create(SPACE);
  const replica = [listen(edge.port), listen(edge.port)];
  for (const one of replica) await one.until(() => one.got.length > 0);
  const { code, reason } = await listen(edge.port).closed();
  assert.equal(code, 4506);
  assert.match(reason, /retry-after-ms=20000$/, "ten to thirty seconds with jitter");
  const lines = ["Host: a", "Connection: Upgrade", "Upgrade: websocket", "X-Forwarded-For: 1.2.3.4", "", ""];
  const upgrade = `GET /listen/${SPACE} HTTP/1.1\r\n${lines.join("\r\n")}`;
  for (let i = 0; i < 4; i++) assert.match(await talk(edge.port, upgrade), /^HTTP\/1.1 400 /);
  assert.match(await talk(edge.port, upgrade), /^HTTP\/1.1 429 [\s\S]*retry-after: 1/);
});

test("follows a space once for all, reports how many listen, and drops it 30 s after the last", async () => {
  await using fixture = await startFixture();
  const { edge, stage, clock } = fixture;
  stage.audience = 40;
  await stage.create(SPACE);
  const listeners = [listen(edge.port), listen(edge.port), listen(edge.port)];
  for (const one of listeners) await one.until(() => one.got.length > 0);
  await advanceUntil(clock, () => stage.reportedAudiences.at(-1) === 3);
  assert.equal(stage.followCount, 1);
  const told = stage.reportedAudiences.length;
  const first = listeners[0]?.got[0];
  assert.equal(first?.kind === "snapshot" && first.snapshot.audience, 40);
  for (const one of listeners) one.socket.close();
  await advanceUntil(clock, () => stage.reportedAudiences.at(-1) === 0);
  assert.ok(stage.reportedAudiences.length - told <= 2);
  await clock.advanceAsync(28_000);
  assert.equal(edge.spaces, 1);
  await advanceUntil(clock, () => edge.spaces === 0);
});
