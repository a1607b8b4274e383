// Answers an upgrade, or a GET whose response is ready, from a connection's first bytes, without the cost of Node's
// HTTP parser and objects. Everything else goes to node:http.

import { STATUS_CODES } from "node:http";
import type { Server, Socket } from "node:net";
import { Server as TlsServer } from "node:tls";
import type { Clock } from "@hustings/flow/clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { type PreparedResponse, refuseSocket } from "../../http/responses.ts";
import { SocketWriter } from "../socket/socket-writer.ts";
import { asksForWebSocket, type RequestHead, readHead } from "./request-head.ts";

export interface FastPathOptions {
  readonly clock: Clock;
  /** `undefined`: not ready. Must not throw. */
  respond(head: RequestHead): PreparedResponse | undefined;
  /** Takes over the socket. Must not throw. */
  upgrade(head: RequestHead, socket: Socket): void;
  /** A client is refused if its first request takes `firstMs`, and closed if its next takes `nextMs`. */
  readonly firstMs: number;
  readonly nextMs: number;
  /** A response that is not read within this is given up. */
  readonly sendMs: number;
}

export interface FastPath {
  readonly size: number;
  [Symbol.dispose](): void;
}

/** Longer bodies are not copied to join their head: each slow reader would hold a copy. */
const MAX_COPIED_BYTES = 16 * 1024;
const CLOSES = /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i;

/** Call before anything else listens for `server`'s connections. */
export function createFastPath(server: Server, options: FastPathOptions): FastPath {
  const event = server instanceof TlsServer ? "secureConnection" : "connection";
  const nodeListeners = server.listeners(event);
  const waiting = new Set<Socket>();
  const serialized = createSerializedResponses(options);
  server.removeAllListeners(event);
  server.on(event, (socket: Socket) => {
    waiting.add(socket);
    socket.setTimeout(options.firstMs);
    socket.on("data", onData).on("timeout", refuse).on("end", end).on("error", destroy).on("close", forget);
  });

  function onData(this: Socket, bytes: Buffer): void {
    if (this.writableEnded) return;
    const head = this.writableLength === 0 ? readHead(bytes) : undefined;
    if (!head || !respondNow(this, head)) passToNode(this, bytes);
  }

  function respondNow(socket: Socket, head: RequestHead): boolean {
    if (asksForWebSocket(head)) return handUpgrade(socket, head);
    const answer = options.respond(head);
    if (answer) write(socket, head, answer);
    return answer !== undefined;
  }

  function handUpgrade(socket: Socket, head: RequestHead): boolean {
    leave(socket);
    options.upgrade(head, socket);
    return true;
  }

  function write(socket: Socket, { headers }: RequestHead, answer: PreparedResponse): void {
    const isLast = !server.listening || CLOSES.test(headers.connection ?? "");
    const writer = new SocketWriter(socket);
    for (const bytes of serialized.partsOf(answer, isLast)) writer.write(bytes);
    if (isLast && writer.isDirect && writer.unsentBytes === 0) return void socket.destroy();
    socket.off("timeout", refuse).off("timeout", destroy).on("timeout", destroy);
    socket.setTimeout(writer.unsentBytes === 0 ? options.nextMs : options.sendMs);
    if (isLast) socket.destroySoon();
  }

  function passToNode(socket: Socket, bytes: Buffer): void {
    leave(socket);
    for (const other of nodeListeners) other.call(server, socket);
    socket.unshift(bytes);
  }

  function leave(socket: Socket): void {
    waiting.delete(socket);
    socket.setTimeout(0);
    socket.off("data", onData).off("timeout", refuse).off("timeout", destroy);
    socket.off("end", end).off("error", destroy).off("close", forget);
  }

  function refuse(this: Socket): void {
    refuseSocket(this, new Refusal("too-slow", "The request took too long to arrive."));
  }

  function forget(this: Socket): void {
    waiting.delete(this);
  }

  return {
    get size() {
      return waiting.size;
    },
    [Symbol.dispose]() {
      for (const socket of waiting) socket.destroy();
    },
  };
}

function end(this: Socket): void {
  this.end();
}

function destroy(this: Socket): void {
  this.destroy();
}

// Keeps a response's bytes for one second, while its Date header is right.
function createSerializedResponses({ clock, nextMs }: FastPathOptions) {
  const replica = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(nextMs / 1_000)}\r\n\r\n`;
  const last = "Connection: close\r\n\r\n";
  let pages = new WeakMap<PreparedResponse, { whole?: Buffer; wholeLast?: Buffer }>();
  let second = 0;
  let date = "";

  function turn(): void {
    const nowSecond = Math.floor(clock.utcMs() / 1_000);
    if (nowSecond === second) return;
    second = nowSecond;
    date = new Date(second * 1_000).toUTCString();
    pages = new WeakMap();
  }

  function headOf({ status, headers }: PreparedResponse, isLast: boolean): string {
    let lines = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`;
    for (const name in headers) lines += `${name}: ${headers[name]}\r\n`;
    return `${lines}Date: ${date}\r\n${isLast ? last : replica}`;
  }

  return {
    partsOf(answer: PreparedResponse, isLast: boolean): readonly Buffer[] {
      turn();
      const { body } = answer;
      if (typeof body !== "string") {
        const parts = [Buffer.from(headOf(answer, isLast), "latin1"), body];
        return body.length > MAX_COPIED_BYTES ? parts : [Buffer.concat(parts)];
      }
      const page = pages.get(answer) ?? {};
      pages.set(answer, page);
      const key = isLast ? "wholeLast" : "whole";
      page[key] ??= Buffer.from(headOf(answer, isLast) + body, "latin1");
      return [page[key]];
    },
  };
}
