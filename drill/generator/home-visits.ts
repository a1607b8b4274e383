// Owns those who leave and look at the home page, as people do when something ends: a bare socket each, as thousands do so in
// a second and a generator must not be what is slow. A visit counts from the moment that somebody left, also where too
// many others are asking. Refuses to know listeners.

import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { ROUTES } from "@hustings/wire/routes.ts";
import type { DoorAddress } from "../deployment/door-address.ts";
import { type Counts, type Spread, SpreadCount } from "../record/crowd-report.ts";
import { sourceOf } from "./sockets/listener-socket.ts";

/** Visits under way; the others wait. Each has a descriptor that its listener had before. */
const MAX_AT_ONCE = 2_000;
/** In one step visits begin for so long: others are to leave and listeners to be read as well. */
const ASK_FOR_MS = 50;
/** Who has no page by then looks elsewhere. */
const PATIENCE_MS = 15_000;
const MAX_WHYS = 20;
const MAX_HEAD_BYTES = 16 * 1024;
const READ_BYTES = 64 * 1024;

export class HomeVisits {
  readonly #door: DoorAddress;
  readonly #counts: Counts;
  readonly #clock: { monotonicMs(): number };
  readonly #generator: number;
  /** Asks on a socket that is connected; one function for all of them. */
  readonly #write: (this: Socket) => void;
  /** What every visit reads into. */
  readonly #buffer = Buffer.alloc(READ_BYTES);
  readonly #tookMs = new SpreadCount();
  readonly #whys = new Map<string, number>();
  /** When each who waits left, oldest first; those before `#asked` wait no more. */
  #waiting: number[] = [];
  #asked = 0;
  /** Who is asking, whoever left first first. */
  readonly #asking = new Set<Asking>();
  #begun = 0;

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

  /** Somebody left who will ask. */
  left(): void {
    this.#counts.homeAsked++;
  }

  /** Who left at `leftMs` asks in one of the next steps. Called in the order of leaving. */
  visit(leftMs: number): void {
    this.#waiting.push(leftMs);
  }

  /** Gives up for those whose patience is over, and begins for others; call it some fifty times a second. */
  step(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const { leftMs, socket } of this.#asking) {
      if (leftMs > nowMs - PATIENCE_MS) break;
      socket.destroy();
    }
    while (this.#waiting.length > 0 && this.#asking.size < MAX_AT_ONCE) {
      if (this.#clock.monotonicMs() - nowMs >= ASK_FOR_MS) return;
      this.#next();
    }
  }

  /** From leaving to the whole page, of those who got it. */
  spread(): Spread {
    return this.#tookMs.spread();
  }

  /** Why others did not, and how many. */
  whys(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#whys);
  }

  #ask(leftMs: number): void {
    const answer = new Answer();
    let why = "no answer";
    const socket = this.#connect((length) => {
      answer.read(this.#buffer, length);
      if (answer.isWhole) socket.destroy();
      return !answer.isWhole;
    });
    const asking: Asking = { leftMs, socket };
    this.#asking.add(asking);
    socket.on("error", ({ code, message }: NodeJS.ErrnoException) => {
      why = code ?? message;
    });
    socket.on("end", () => answer.end());
    socket.on("close", () => {
      this.#asking.delete(asking);
      this.#done(answer.why ?? why, leftMs);
    });
    socket.on("connect", this.#write);
  }

  #connect(callback: (length: number) => boolean): Socket {
    const { host, port, isTls } = this.#door;
    const onread = { buffer: this.#buffer, callback };
    const address = { host, port, onread, ...sourceOf(this.#door, this.#generator, this.#begun++) };
    return isTls ? connectTls(address) : connect(address);
  }

  #done(why: string, leftMs: number): void {
    if (why === "") {
      this.#counts.homeAnswered++;
      this.#tookMs.add(this.#clock.monotonicMs() - leftMs);
    } else this.#failed(why);
    this.#next();
  }

  #failed(why: string): void {
    this.#counts.homeFailed++;
    const key = `home page: ${why}`;
    if (this.#whys.has(key) || this.#whys.size < MAX_WHYS) this.#whys.set(key, (this.#whys.get(key) ?? 0) + 1);
  }

  #next(): void {
    if (this.#waiting.length === 0) return;
    const overMs = this.#clock.monotonicMs() - PATIENCE_MS;
    let leftMs = this.#waiting[this.#asked++];
    while (leftMs !== undefined && leftMs <= overMs) {
      this.#failed("never asked");
      leftMs = this.#waiting[this.#asked++];
    }
    if (leftMs !== undefined) this.#ask(leftMs);
    if (this.#asked < this.#waiting.length) return;
    this.#waiting = [];
    this.#asked = 0;
  }
}

interface Asking {
  readonly leftMs: number;
  readonly socket: Socket;
}

/** How much of an answer has come: its head is read, its body counted (RFC 9112 §6: by its length, or until the end). */
class Answer {
  isWhole = false;
  #head = "";
  #status = 0;
  #bodyLeft = -1;

  /** What was wrong with it; "": nothing; `undefined`: it is not whole. */
  get why(): string | undefined {
    if (!this.isWhole) return undefined;
    return this.#status === 200 ? "" : `HTTP ${this.#status}`;
  }

  read(bytes: Buffer, length: number): void {
    if (this.#bodyLeft >= 0) this.#bodyLeft -= length;
    else this.#readHead(bytes.toString("latin1", 0, length));
    this.isWhole ||= this.#status > 0 && this.#bodyLeft <= 0;
  }

  /** Nothing more comes. */
  end(): void {
    this.isWhole ||= this.#bodyLeft === Infinity;
  }

  #readHead(text: string): void {
    this.#head += text;
    const end = this.#head.indexOf("\r\n\r\n");
    if (end < 0) {
      if (this.#head.length > MAX_HEAD_BYTES) this.isWhole = true;
      return;
    }
    this.#status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(this.#head)?.[1] ?? 0);
    const length = /\r\ncontent-length: *(\d{1,9})\r\n/i.exec(this.#head.slice(0, end + 2))?.[1];
    this.#bodyLeft = length === undefined ? Infinity : Number(length) - (this.#head.length - end - 4);
    if (this.#status === 0) this.isWhole = true;
  }
}
