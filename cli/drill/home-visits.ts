// Owns those who leave and look at the home page, as people do when something ends. A visit counts from the moment that they
// left, also where too many others are asking. Refuses to know listeners.

import { request } from "node:http";
import { request as requestTls } from "node:https";
import { ROUTES } from "@hustings/wire/routes.ts";
import { type DoorAddress, sourceOf } from "./line.ts";
import { type Counts, type Spread, SpreadCount } from "./tally.ts";

/** Visits under way; the others wait. Each has a descriptor that its listener had before. */
const MAX_AT_ONCE = 2_000;
/** Who has no page by then looks elsewhere. */
const PATIENCE_MS = 15_000;
const MAX_WHYS = 20;
const HEADERS = { accept: "text/html", "accept-encoding": "gzip, br" };

export class HomeVisits {
  readonly #door: DoorAddress;
  readonly #counts: Counts;
  readonly #clock: { monotonicMs(): number };
  readonly #generator: number;
  readonly #tookMs = new SpreadCount();
  readonly #whys = new Map<string, number>();
  /** When each who waits left, oldest first. */
  #waiting: number[] = [];
  #begun = 0;
  #atOnce = 0;

  constructor(door: DoorAddress, counts: Counts, clock: { monotonicMs(): number }, generator: number) {
    this.#door = door;
    this.#counts = counts;
    this.#clock = clock;
    this.#generator = generator;
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
    const { host, port, isTls } = this.#door;
    this.#atOnce++;
    const ask = isTls ? requestTls : request;
    const from = sourceOf(this.#door, this.#generator, this.#begun++);
    let isOver = false;
    const over = (why: string): void => {
      if (isOver) return;
      isOver = true;
      this.#done(why, leftMs);
    };
    const asked = ask({ host, port, path: ROUTES.home, agent: false, headers: HEADERS, ...from }, (response) => {
      const why = response.statusCode === 200 ? "" : `HTTP ${response.statusCode}`;
      response.resume();
      response.on("close", () => over(response.complete ? why : "cut off"));
    });
    asked.setTimeout(this.#leftOf(leftMs), () => asked.destroy(new Error("no answer")));
    asked.on("error", ({ message, code }: NodeJS.ErrnoException) => over(code ?? message));
    asked.end();
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
