// Owns those who leave and look at the home page, as people do when something ends. Refuses to know listeners.

import { request } from "node:http";
import { request as requestTls } from "node:https";
import { ROUTES } from "@hustings/wire/routes.ts";
import type { DoorAddress } from "./line.ts";
import { type Counts, type Spread, SpreadCount } from "./tally.ts";

/** Visits at once; the others wait. */
const MAX_AT_ONCE = 200;
const PATIENCE_MS = 15_000;

export class HomeVisits {
  readonly #door: DoorAddress;
  readonly #counts: Counts;
  readonly #clock: { monotonicMs(): number };
  readonly #tookMs = new SpreadCount();
  #atOnce = 0;
  #waiting = 0;

  constructor(door: DoorAddress, counts: Counts, clock: { monotonicMs(): number }) {
    this.#door = door;
    this.#counts = counts;
    this.#clock = clock;
  }

  visit(): void {
    if (this.#atOnce >= MAX_AT_ONCE) {
      this.#waiting++;
      return;
    }
    const { host, port, isTls } = this.#door;
    const startMs = this.#clock.monotonicMs();
    this.#atOnce++;
    this.#counts.homeAsked++;
    const ask = isTls ? requestTls : request;
    const headers = { accept: "text/html" };
    const asked = ask({ host, port, path: ROUTES.home, agent: false, timeout: PATIENCE_MS, headers }, (response) => {
      const isGood = response.statusCode === 200;
      response.resume();
      response.on("close", () => this.#done(isGood && response.complete, startMs));
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => this.#done(false, startMs));
    asked.end();
  }

  spread(): Spread {
    return this.#tookMs.spread();
  }

  #done(isGood: boolean, startMs: number): void {
    this.#atOnce--;
    if (isGood) this.#counts.homeAnswered++;
    else this.#counts.homeFailed++;
    this.#tookMs.add(this.#clock.monotonicMs() - startMs);
    if (this.#waiting === 0) return;
    this.#waiting--;
    this.visit();
  }
}
