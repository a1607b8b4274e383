// Listeners that leave request the home page, as people do when a space ends. Visits are bare sockets, so that the
// generator is no bottleneck; a visit's time includes the wait for a free connection.

import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { ROUTES } from "@hustings/wire/routes.ts";
import type { DoorAddress } from "../deployment/door-address.ts";
import type { Counts } from "../record/crowd-report.ts";
import { type Histogram, HistogramCounter } from "../record/histogram.ts";
import { sourceOf } from "./sockets/listener-socket.ts";

/** Further visits wait. Each uses the descriptor that its listener had. */
const MAX_AT_ONCE = 2_000;
/** Maximum time per step to start visits: listeners must leave and be read as well. */
const START_MS = 50;
const TIMEOUT_MS = 15_000;
const MAX_REASONS = 20;
const MAX_HEAD_BYTES = 16 * 1024;
const READ_BYTES = 64 * 1024;

export class HomeVisits {
  readonly #door: DoorAddress;
  readonly #counts: Counts;
  readonly #clock: { monotonicMs(): number };
  readonly #generator: number;
  readonly #write: (this: Socket) => void;
  readonly #buffer = Buffer.alloc(READ_BYTES);
  readonly #durationsMs = new HistogramCounter();
  readonly #reasons = new Map<string, number>();
  #waiting: number[] = [];
  #started = 0;
  readonly #active = new Set<Visit>();
  #connections = 0;

  constructor(door: DoorAddress, counts: Counts, clock: { monotonicMs(): number }, generator: number) {
    this.#door = door;
    this.#counts = counts;
    this.#clock = clock;
    this.#generator = generator;
    const request = `GET ${ROUTES.home} HTTP/1.1\r\nHost: ${door.host}:${door.port}\r\nAccept: text/html\r\nAccept-Encoding: gzip, br\r\nConnection: close\r\n\r\n`;
    this.#write = function () {
      this.write(request, "latin1");
    };
  }

  expectVisit(): void {
    this.#counts.homeRequests++;
  }

  /** The listener that left at `leftMs` visits in one of the next steps. Call in the order of departure. */
  visit(leftMs: number): void {
    this.#waiting.push(leftMs);
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0 && this.#active.size === 0;
  }

  /** Ends visits that timed out and starts waiting ones. Call about fifty times a second, unless `isIdle`. */
  step(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const { leftMs, socket } of this.#active) {
      if (leftMs > nowMs - TIMEOUT_MS) break;
      socket.destroy();
    }
    while (this.#waiting.length > 0 && this.#active.size < MAX_AT_ONCE) {
      if (this.#clock.monotonicMs() - nowMs >= START_MS) return;
      this.#startNext();
    }
  }

  durations(): Histogram {
    return this.#durationsMs.histogram();
  }

  failureReasons(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#reasons);
  }

  #request(leftMs: number): void {
    const response = new ResponseReader();
    let why = "no answer";
    const socket = this.#connect((length) => {
      response.read(this.#buffer, length);
      if (response.isComplete) socket.destroy();
      return !response.isComplete;
    });
    const visit: Visit = { leftMs, socket };
    this.#active.add(visit);
    socket.on("error", ({ code, message }: NodeJS.ErrnoException) => {
      why = code ?? message;
    });
    socket.on("end", () => response.end());
    socket.on("close", () => {
      this.#active.delete(visit);
      this.#finish(response.fault ?? why, leftMs);
    });
    socket.on("connect", this.#write);
  }

  #connect(callback: (length: number) => boolean): Socket {
    const { host, port, isTls } = this.#door;
    const onread = { buffer: this.#buffer, callback };
    const address = { host, port, onread, ...sourceOf(this.#door, this.#generator, this.#connections++) };
    return isTls ? connectTls(address) : connect(address);
  }

  #finish(why: string, leftMs: number): void {
    if (why === "") {
      this.#counts.homePages++;
      this.#durationsMs.add(this.#clock.monotonicMs() - leftMs);
    } else this.#countFailure(why);
    this.#startNext();
  }

  #countFailure(why: string): void {
    this.#counts.homeFailed++;
    const key = `home page: ${why}`;
    if (this.#reasons.has(key) || this.#reasons.size < MAX_REASONS)
      this.#reasons.set(key, (this.#reasons.get(key) ?? 0) + 1);
  }

  #startNext(): void {
    if (this.#waiting.length === 0) return;
    const overMs = this.#clock.monotonicMs() - TIMEOUT_MS;
    let leftMs = this.#waiting[this.#started++];
    while (leftMs !== undefined && leftMs <= overMs) {
      this.#countFailure("no free connection");
      leftMs = this.#waiting[this.#started++];
    }
    if (leftMs !== undefined) this.#request(leftMs);
    if (this.#started < this.#waiting.length) return;
    this.#waiting = [];
    this.#started = 0;
  }
}

interface Visit {
  readonly leftMs: number;
  readonly socket: Socket;
}

/** Parses a response's head and counts its body (RFC 9112 §6: by its length, or until the connection ends). */
class ResponseReader {
  isComplete = false;
  #head = "";
  #status = 0;
  #bodyLeft = -1;

  /** The fault of a complete response; "": none; `undefined`: the response is incomplete. */
  get fault(): string | undefined {
    if (!this.isComplete) return undefined;
    return this.#status === 200 ? "" : `HTTP ${this.#status}`;
  }

  read(bytes: Buffer, length: number): void {
    if (this.#bodyLeft >= 0) this.#bodyLeft -= length;
    else this.#readHead(bytes.toString("latin1", 0, length));
    this.isComplete ||= this.#status > 0 && this.#bodyLeft <= 0;
  }

  end(): void {
    this.isComplete ||= this.#bodyLeft === Infinity;
  }

  #readHead(text: string): void {
    this.#head += text;
    const end = this.#head.indexOf("\r\n\r\n");
    if (end < 0) {
      if (this.#head.length > MAX_HEAD_BYTES) this.isComplete = true;
      return;
    }
    this.#status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(this.#head)?.[1] ?? 0);
    const length = /\r\ncontent-length: *(\d{1,9})\r\n/i.exec(this.#head.slice(0, end + 2))?.[1];
    this.#bodyLeft = length === undefined ? Infinity : Number(length) - (this.#head.length - end - 4);
    if (this.#status === 0) this.isComplete = true;
  }
}
