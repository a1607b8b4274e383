import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { Server } from "node:http";
import { test } from "node:test";
import { guardConnections } from "./connection-guard.ts";

/** A guard with room for four connections, two of one address; "own" is not counted by address. */
function start() {
  const server = new EventEmitter();
  const guard = guardConnections(server as Server, {
    maxConnections: 4,
    maxPerAddress: 2,
    keyOf: (address) => (address === "own" ? undefined : address),
  });
  let port = 1_000;
  return {
    guard,
    connect(remoteAddress: string) {
      port += 1;
      let isCut = false;
      const socket = Object.assign(new EventEmitter(), {
        remoteAddress,
        remotePort: port,
        destroy() {
          isCut = true;
          socket.emit("close");
        },
      });
      server.emit("connection", socket);
      return {
        get isCut() {
          return isCut;
        },
        end: () => socket.emit("close"),
        request(standing?: "ticket" | "speaker") {
          const [request, response] = [{ socket }, new EventEmitter()];
          server.emit("request", request, response);
          if (standing !== undefined) guard.raise(request as never, standing);
          return { answered: () => response.emit("close") };
        },
      };
    },
  };
}

test("closes the silent connection that is oldest when the port is full, and accepts the new one", () => {
  const { guard, connect } = start();
  const silent = ["a", "b", "c", "d"].map(connect);
  const next = connect("e");
  assert.deepEqual(
    [...silent, next].map(({ isCut }) => isCut),
    [true, false, false, false, false],
  );
  assert.equal(guard.size, 4);
});

test("closes requests without a ticket before tickets without a seat, and never the request of a speaker", () => {
  const { guard, connect } = start();
  const [speaker, guest, stranger, other] = ["a", "b", "c", "d"].map(connect);
  speaker?.request("speaker");
  guest?.request("ticket");
  stranger?.request();
  other?.request("speaker");
  const later = ["e", "f", "g"].map((address) => {
    const one = connect(address);
    one.request("speaker");
    return one;
  });
  assert.deepEqual([stranger?.isCut, guest?.isCut, speaker?.isCut, other?.isCut], [true, true, false, false]);
  assert.deepEqual(
    later.map(({ isCut }) => isCut),
    [false, false, true],
  );
  assert.equal(guard.countOf("speaker"), 4);
});

test("a connection counts as silent again when its request has been answered", () => {
  const { guard, connect } = start();
  const one = connect("a");
  const { answered } = one.request("speaker");
  assert.equal(guard.countOf("speaker"), 1);
  answered();
  assert.equal(guard.countOf("silent"), 1);
  for (const address of ["b", "c", "d", "e"]) connect(address);
  assert.equal(one.isCut, true);
});

test("one address pushes out only its own connections, and this machine is not counted", () => {
  const { guard, connect } = start();
  const honest = connect("honest");
  const flood = Array.from({ length: 50 }, () => connect("flood"));
  assert.equal(honest.isCut, false);
  assert.deepEqual(
    flood.map(({ isCut }) => isCut),
    flood.map((_, i) => i < 48),
  );
  assert.equal(guard.size, 3);
  for (const one of [honest, ...flood]) one.end();
  assert.equal(guard.size, 0);
  const own = Array.from({ length: 4 }, () => connect("own"));
  assert.ok(own.every(({ isCut }) => !isCut));
  const busy = start();
  const speakers = Array.from({ length: 3 }, () => busy.connect("venue"));
  assert.equal(speakers[0]?.isCut, true);
});

test("refuses a connection of an address whose every connection carries the request of a speaker", () => {
  const { connect } = start();
  for (const one of [connect("venue"), connect("venue")]) one.request("speaker");
  assert.equal(connect("venue").isCut, true);
  assert.equal(connect("other").isCut, false);
});
