// Measures TLS joins per second, with full handshakes and with session tickets, and the edge's memory per TLS listener.
// The clients run in this process, so their cost is not counted.

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { systemClock } from "../../../flow/clock.ts";
import { ROUTES } from "../../../wire/routes.ts";
import { goOnAir } from "../../testing/on-air.ts";
import { upgradeOf } from "../../testing/raw-client.ts";
import { startServer } from "../../testing/running-server.ts";
import { voice } from "../../testing/voices.ts";
import { cpuSeconds, residentBytes } from "../native/processes.ts";
import type { Bench, Figure } from "../report/figures.ts";
import { median } from "../report/statistics.ts";
import { type EdgeProcess, startEdgeProcess } from "./edge-process.ts";

const JOINS = 1_000;
const WARMING = 500;
const AT_ONCE = 50;
const AT_LEAST_PER_CORE = 1_000;
const FLIGHT_BYTES = 5_000;
/** Slow, so that pushes to listeners already connected cost little. */
const CADENCE_MS = 2_000;

export const joinsTls: Bench = {
  name: "joins-tls",
  async run({ isQuick, pause, say }) {
    await using server = await startServer({ edges: 1 });
    using onAir = await goOnAir(server, "How fast they come in private", voice("anna"));
    await pause(2_500);
    const request = upgradeOf(ROUTES.listen(onAir.space.id));
    const tls = { ...(await makeCertificate()), sessionSecret: randomBytes(32).toString("hex") };
    const [full, resumed]: [Join[], Join[]] = [[], []];
    for (let round = 0; round < (isQuick ? 1 : 3); round += 1) {
      await using edge = await startEdgeProcess(server, CADENCE_MS, tls);
      const { session } = await joinAll(edge, request, WARMING, tls.cert);
      await pause(500);
      full.push(await joinAll(edge, request, JOINS, tls.cert));
      resumed.push(await joinAll(edge, request, JOINS, tls.cert, session));
      say(
        `TLS joins per second and core: ${full.at(-1)?.perCoreSecond.toFixed(0)}, with a ticket ${resumed.at(-1)?.perCoreSecond.toFixed(0)}`,
      );
    }
    return figuresOf(full, resumed);
  },
};

interface Join {
  readonly perCoreSecond: number;
  readonly perSecond: number;
  readonly bytesEach: number;
  readonly session: Buffer | undefined;
}

async function joinAll(
  { pid, port }: EdgeProcess,
  request: string,
  count: number,
  ca: string,
  session?: Buffer,
): Promise<Join> {
  const sockets: TLSSocket[] = [];
  const [cpuBefore, bytesBefore] = [await cpuSeconds(pid), await residentBytes(pid)];
  const beganMs = systemClock.monotonicMs();
  let newest: Buffer | undefined;
  let begun = 0;
  async function joinMany(): Promise<void> {
    while (begun++ < count) {
      const socket = connect({ host: "127.0.0.1", port, ca, servername: "localhost", ...(session ? { session } : {}) });
      sockets.push(socket);
      socket.on("session", (ticket: Buffer) => {
        newest = ticket;
      });
      await firstFlight(socket, request);
      if (session && !socket.isSessionReused()) throw new Error("the edge did not accept the session ticket");
    }
  }
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, joinMany));
    const seconds = (systemClock.monotonicMs() - beganMs) / 1_000;
    const cpu = (await cpuSeconds(pid)) - cpuBefore;
    const bytesEach = ((await residentBytes(pid)) - bytesBefore) / count;
    return { perCoreSecond: count / Math.max(cpu, 0.01), perSecond: count / seconds, bytesEach, session: newest };
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

function firstFlight(socket: TLSSocket, request: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    socket.on("error", reject);
    socket.on("data", (some) => {
      bytes += some.length;
      if (bytes >= FLIGHT_BYTES) resolve();
    });
    socket.write(request);
  });
}

async function makeCertificate(): Promise<{ readonly cert: string; readonly key: string }> {
  const folder = await mkdtemp(join(tmpdir(), "hustings-bench-"));
  try {
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    const words = ["req", "-x509", ...curve, "-nodes", "-days", "2", "-subj", "/CN=localhost"];
    await promisify(execFile)("openssl", [...words, "-keyout", key, "-out", cert]);
    return { cert: await readFile(cert, "utf8"), key: await readFile(key, "utf8") };
  } finally {
    await rm(folder, { recursive: true });
  }
}

function figuresOf(full: readonly Join[], resumed: readonly Join[]): Figure[] {
  const of = (what: string, unit: string, spread: readonly number[], more: Partial<Figure> = {}): Figure => {
    return { what, value: median(spread), unit, spread, ...more };
  };
  const perCore = (all: readonly Join[]) => all.map(({ perCoreSecond }) => perCoreSecond);
  return [
    of("TLS joins per second and core of an edge, full handshakes", "/s", perCore(full), {
      atLeast: AT_LEAST_PER_CORE,
      note: `TLS 1.3, P-256; ${JOINS} joins, ${AT_ONCE} in progress at a time; handshake, upgrade, first flight`,
    }),
    of("TLS joins per second and core of an edge, session tickets", "/s", perCore(resumed), {
      atLeast: AT_LEAST_PER_CORE,
    }),
    of(
      "TLS joins per second, wall clock, full handshakes",
      "/s",
      full.map(({ perSecond }) => perSecond),
    ),
    of(
      "memory per TLS listener, process",
      "KiB",
      full.map(({ bytesEach }) => bytesEach / 1024),
    ),
  ];
}
