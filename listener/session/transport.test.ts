import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { systemClock } from "@hustings/flow/clock.ts";
import { WebSocket as PackageSocket, WebSocketServer } from "ws";
import { startHeadlessListener } from "../headless/headless.ts";
import { FakeEdge } from "../testing/fake-edge.ts";
import { type WebSocketClass, webSocketTransport } from "./transport.ts";

const kinds: readonly [string, WebSocketClass][] = [
  ["the global WebSocket", WebSocket],
  ["the ws package", PackageSocket],
];

for (const [name, WebSocketImpl] of kinds) {
  test(`over ${name} a listener hears every slot and reconnects after a broken socket`, async () => {
    await using door = await openDoor();
    using listener = startHeadlessListener({ url: door.url, WebSocketImpl, verify: true, random: () => 0 });
    await until(() => listener.stats().heardSlots >= 3);
    door.edge.closeAll();
    await until(() => listener.stats().connections === 2 && listener.stats().link === "following");
    const { newSlots } = listener.stats();
    await until(() => listener.stats().newSlots > newSlots);
    assert.deepEqual(listener.faults, []);
    assert.equal(listener.stats().badFrames, 0);
    assert.equal(
      door.subprotocols.every((subprotocol) => subprotocol === "hustings.1"),
      true,
    );
  });

  test(`over ${name} an unreachable door closes with 1006, and closing early calls nothing`, async () => {
    const door = await openDoor();
    await door[Symbol.asyncDispose]();
    const transport = webSocketTransport(WebSocketImpl);
    const code = await new Promise<number>((resolve) => {
      const nothing = () => undefined;
      transport(door.url, { opened: nothing, frame: nothing, text: nothing, closed: resolve });
    });
    assert.equal(code, 1006);
    let calls = 0;
    const count = () => (calls += 1);
    transport(door.url, { opened: count, frame: count, text: count, closed: count }).close();
    await new Promise<number>((resolve) => {
      const nothing = () => undefined;
      transport(door.url, { opened: nothing, frame: nothing, text: nothing, closed: resolve });
    });
    assert.equal(calls, 0, "closing early calls nothing, even after the socket has failed");
  });
}

async function openDoor() {
  const edge = new FakeEdge(systemClock);
  const subprotocols: string[] = [];
  const sockets = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  sockets.on("connection", (socket, request) => {
    subprotocols.push(socket.protocol);
    const link = edge.transport(request.url ?? "", {
      opened: () => undefined,
      frame: (bytes) => socket.send(bytes),
      text: () => undefined,
      closed: (code) => (code === 1006 ? socket.terminate() : socket.close(code)),
    });
    socket.on("message", (text) => link.send(String(text)));
    socket.on("close", () => link.close());
  });
  await once(sockets, "listening");
  return {
    edge,
    subprotocols,
    url: `ws://127.0.0.1:${(sockets.address() as AddressInfo).port}/listen/x`,
    async [Symbol.asyncDispose]() {
      edge.close();
      for (const socket of sockets.clients) socket.terminate();
      await new Promise<void>((resolve) => sockets.close(() => resolve()));
    },
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => systemClock.after(20, resolve));
}
