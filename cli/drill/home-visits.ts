// Owns those who leave and look at the home page, as people do when something ends: a bare socket each, as thousands do so in
// a second and a generator must not be what is slow. A visit counts from the moment that somebody left, also where too
// many others are asking. Refuses to know listeners.

import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { ROUTES } from "@hustings/wire/routes.ts";
import { type DoorAddress, sourceOf } from "./line.ts";
import { type Counts, type Spread, SpreadCount } from "./tally.ts";

/** Visits under way; the others wait. Each has a descriptor that its listener had before. */
const MAX_AT_ONCE = 2_000;
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
  readonly #request: string;
  /** What every visit reads into. */
  readonly #buffer = Buffer.alloc(READ_BYTES);
  readonly #tookMs = new SpreadCount();
  readonly #whys = new Map<string, number>();
  /** When each who waits left, oldest first. */
  readonly #waiting: number[] = [];
  #begun = 0;
  #atOnce = 0;

  constructor(door: DoorAddress, counts: Counts, clock: { monotonicMs(): number }, generator: number) {
    this.#door = door;
    this.#counts = counts;
    this.#clock = clock;
    this.#generator = generator;
    this.#request = `GET ${ROUTES.home} HTTP/1.1\r\nHost: ${door.host}:${door.port}\r\nAccept: text/html\r\nAccept-Encoding: gzip, br\r\nConnection: close\r\n\r\n`;
  }

  /** Somebody has just left. */
  visit(): void {
    this.#counts.homeAsked++;
    const leftMs = this.#clock.monotonicMs();
    if (this.#atOnce >= MAX_AT_ONCE) this.#waiting.push(leftMs);
    else this.#ask(leftMs);
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
    this.#atOnce++;
    const answer = new Answer();
    let why = "no answer";
    const socket = this.#connect((length) => {
      answer.read(this.#buffer, length);
      if (answer.isWhole) socket.destroy();
      return !answer.isWhole;
    });
    socket.setTimeout(this.#leftOf(leftMs), () => socket.destroy());
    socket.once("error", ({ code, message }: NodeJS.ErrnoException) => {
      why = code ?? message;
    });
    socket.once("end", () => answer.end());
    socket.once("close", () => this.#done(answer.why ?? why, leftMs));
    socket.write(this.#request, "latin1");
  }

  #connect(callback: (length: number) => boolean): Socket {
    const { host, port, isTls } = this.#door;
    const onread = { buffer: this.#buffer, callback };
    const address = { host, port, onread, ...sourceOf(this.#door, this.#generator, this.#begun++) };
    return isTls ? connectTls(address) : connect(address);
  }

  #leftOf(leftMs: number): number {
    return Math.max(1, PATIENCE_MS - (this.#clock.monotonicMs() - leftMs));
  }

  #done(why: string, leftMs: number): void {
    this.#atOnce--;
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
    let leftMs = this.#waiting.shift();
    while (leftMs !== undefined && this.#leftOf(leftMs) <= 1) {
      this.#failed("never asked");
      leftMs = this.#waiting.shift();
    }
    if (leftMs !== undefined) this.#ask(leftMs);
  }
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
