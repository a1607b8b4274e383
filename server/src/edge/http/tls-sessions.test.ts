import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect, createServer, type TLSSocket } from "node:tls";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { decodeFrame } from "@hustings/wire/listen/frames.ts";
import { WebSocket } from "ws";
import { until } from "../../../../test/testing/until.ts";
import { appendSlot, SPACE } from "../../replica/testing/fake-upstream.ts";
import { startFixture } from "../testing/edge-fixture.ts";
import { KEY_TURN_MS, shareSessions, ticketKeysAt } from "./tls-sessions.ts";

function certificate(): { readonly cert: string; readonly key: string } {
  const folder = mkdtempSync(join(tmpdir(), "hustings-tls-"));
  try {
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    const words = ["req", "-x509", ...curve, "-nodes", "-days", "2", "-subj", "/CN=localhost"];
    execFileSync("openssl", [...words, "-keyout", key, "-out", cert], { stdio: "ignore" });
    return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const PEM = certificate();

function page(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path: `/s/${SPACE}`, ca: PEM.cert, servername: "localhost" });
    asked.on("response", (answer) => resolve(answer.resume().statusCode ?? 0));
    asked.on("error", reject).end();
  });
}

/** Makes one request; returns its session ticket and whether the handshake resumed `session`. */
async function shake(port: number, maxVersion: "TLSv1.2" | "TLSv1.3", session?: Buffer) {
  const options = { host: "127.0.0.1", port, ca: PEM.cert, servername: "localhost", maxVersion };
  const socket: TLSSocket = connect({ ...options, ...(session ? { session } : {}) });
  const ticket = new Promise<Buffer>((resolve) => socket.once("session", resolve));
  await once(socket, "secureConnect");
  const isResumed = socket.isSessionReused();
  socket.write("GET /no-such HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  socket.resume();
  await once(socket, "close");
  return { isResumed, session: isResumed ? session : await ticket };
}

test("serves the page and a WebSocket listener over TLS", async () => {
  await using fixture = await startFixture({ tls: PEM });
  const { edge, stage } = fixture;
  const log = await stage.create(SPACE);
  for (let slot = 0; slot < 20; slot++) appendSlot(log, slot);
  assert.equal(await page(edge.port), 200);
  const socket = new WebSocket(`wss://localhost:${edge.port}/listen/${SPACE}`, "hustings.1", {
    ca: PEM.cert,
    host: "127.0.0.1",
  });
  const kinds: string[] = [];
  socket.on("message", (bytes) => kinds.push(decodeFrame(bytes as Buffer)?.kind ?? ""));
  await until("sound", () => kinds.includes("sound"));
  assert.deepEqual(kinds.slice(0, 2), ["snapshot", "sound"]);
  socket.close(4_000);
  assert.equal((await once(socket, "close"))[0], 4_000);
});

test("an edge resumes a TLS session of another edge with the same secret, and of no other edge", async () => {
  const tls = { ...PEM, sessionSecret: randomBytes(32) };
  await using first = await startFixture({ tls });
  await using second = await startFixture({ tls });
  await using stranger = await startFixture({ tls: { ...PEM, sessionSecret: randomBytes(32) } });
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    const { isResumed, session } = await shake(first.edge.port, version);
    assert.equal(isResumed, false);
    assert.equal((await shake(second.edge.port, version, session)).isResumed, true, version);
    assert.equal((await shake(stranger.edge.port, version, session)).isResumed, false, version);
  }
});

test("changes the ticket keys at each turn of Unix time, until the server closes", async () => {
  const secret = randomBytes(32);
  const clock = manualClock();
  const server = createServer({});
  const at = () => ticketKeysAt(secret, clock.utcMs()).toString("hex");
  shareSessions(server, secret, clock);
  const seen = [server.getTicketKeys().toString("hex")];
  assert.equal(seen[0], at());
  await clock.advanceAsync(KEY_TURN_MS - (clock.utcMs() % KEY_TURN_MS) + 1);
  seen.push(server.getTicketKeys().toString("hex"));
  assert.equal(seen[1], at());
  assert.notEqual(seen[0], seen[1]);
  server.emit("close");
  await clock.advanceAsync(KEY_TURN_MS * 2);
  assert.equal(server.getTicketKeys().toString("hex"), seen[1]);
});
