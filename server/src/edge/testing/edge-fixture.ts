// A running edge for tests: a manual clock, a stage in memory, real sockets on loopback.

import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { decodeFrame, type EdgeMessage } from "@hustings/wire/listen/frames.ts";
import { WebSocket } from "ws";
import { fakeStage, SPACE } from "../../replica/testing/fake-upstream.ts";
import { type EdgeOptions, startEdge } from "../edge.ts";

export async function startFixture(options: Partial<EdgeOptions> = {}) {
  const clock = manualClock();
  const stage = fakeStage(clock);
  const edge = await startEdge({
    clock,
    followPath: "",
    stageSocketPath: "does-not-exist.sock",
    apiSocketPath: "does-not-exist.sock",
    stagePort: 8444,
    assetsDirectory: "does-not-exist",
    listen: { host: "127.0.0.1", port: 0 },
    upstream: stage,
    random: () => 0.5,
    ...options,
  });
  return { clock, stage, edge, [Symbol.asyncDispose]: () => edge[Symbol.asyncDispose]() };
}

/** A listener that keeps everything it receives; `until` waits for a condition on it. */
export function listen(
  port: number,
  path = `/listen/${SPACE}`,
  protocol = "hustings.1",
  headers: Record<string, string> = {},
) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocol, { headers });
  const got: EdgeMessage[] = [];
  let closed: { code: number; reason: string } | undefined;
  let wake = () => {};
  socket.on("error", () => undefined);
  socket.on("message", (bytes) => {
    const frame = decodeFrame(bytes as Buffer);
    if (frame) got.push(frame);
    wake();
  });
  socket.on("close", (code, reason) => {
    closed = { code, reason: String(reason) };
    wake();
  });
  return {
    socket,
    got,
    slots: () => got.flatMap((one) => (one.kind === "sound" ? one.fragments.map(({ slot }) => slot) : [])),
    async until(condition: () => boolean) {
      while (!condition()) {
        if (closed) throw new Error(`closed with ${closed.code} ${closed.reason}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    async closed() {
      if (!closed) await once(socket, "close");
      return closed as { code: number; reason: string };
    },
  };
}

/** Advances the clock in small steps until `condition` holds, and lets the sockets work in between. */
export async function advanceUntil(clock: ReturnType<typeof manualClock>, condition: () => boolean) {
  while (!condition()) {
    await clock.advanceAsync(10);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export function get(port: number, path: string, headers: Record<string, string> = {}, method = "GET", body = "") {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (some) => {
        text += some;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

/** Sends `bytes` and returns the edge's answer, up to the close of the connection. */
export async function talk(port: number, bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.setEncoding("latin1").on("data", (some) => {
    text += some;
  });
  socket.on("error", () => undefined);
  socket.write(bytes);
  await once(socket, "close");
  return text;
}
