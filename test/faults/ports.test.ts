// Starts servers whose ports are in use.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { freeTcpPort, freeUdpPort } from "../../server/src/ops/host/free-ports.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

interface Ports {
  readonly port: number;
  readonly stagePort: number;
  readonly udpPort: number;
}

async function failedStart({ port, stagePort, udpPort }: Ports): Promise<{ code: number; printed: readonly string[] }> {
  const dataDir = await mkdtemp(join(tmpdir(), "hustings-ports-"));
  const flags = ["--host", "127.0.0.1", "--edges", "1", "--data", dataDir, "--log-level", "error"];
  flags.push("--port", String(port), "--stage-port", String(stagePort), "--udp-port", String(udpPort));
  const child = spawn(process.execPath, [MAIN, "serve", ...flags], { stdio: ["ignore", "ignore", "pipe"] });
  let text = "";
  child.stderr.on("data", (part) => {
    text += part;
  });
  const [code] = (await once(child, "close")) as [number];
  await rm(dataDir, { recursive: true, force: true });
  return { code, printed: text.split("\n").filter((line) => line !== "" && !line.startsWith("Building the web app")) };
}

async function somePorts(): Promise<Ports> {
  return { port: await freeTcpPort(), stagePort: await freeTcpPort(), udpPort: await freeUdpPort() };
}

for (const [name, flag] of [
  ["port", "--port"],
  ["stagePort", "--stage-port"],
] as const) {
  test(`prints one sentence and exits non-zero when the TCP port of ${flag} is in use`, async () => {
    const ports = await somePorts();
    const server = createServer().listen(ports[name], "127.0.0.1");
    await once(server, "listening");
    const { code, printed } = await failedStart(ports);
    server.close();
    assert.notEqual(code, 0);
    assert.equal(printed.length, 1, printed.join("\n"));
    assert.match(printed[0] as string, new RegExp(`TCP port ${ports[name]} .* in use by another program.*${flag}`));
  });
}

test("prints one sentence and exits non-zero when the UDP port is in use", async () => {
  const ports = await somePorts();
  const socket = createSocket("udp4").bind(ports.udpPort);
  await once(socket, "listening");
  const { code, printed } = await failedStart(ports);
  socket.close();
  assert.notEqual(code, 0);
  assert.equal(printed.length, 1, printed.join("\n"));
  assert.match(printed[0] as string, new RegExp(`UDP port ${ports.udpPort} .* in use by another program.*--udp-port`));
});
