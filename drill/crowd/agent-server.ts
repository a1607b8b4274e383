// Owns the way between a drill and its agents on other machines: HTTP with JSON, a secret in the address, each agent asking
// twice a second what to do and saying what it counted. Refuses to make listeners.

import { randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { networkInterfaces } from "node:os";
import { systemClock } from "@hustings/flow/clock.ts";
import type { CrowdStart, Order } from "../generator/orders.ts";
import { type CrowdReport, mergeReports } from "../record/crowd-report.ts";
import type { Crowd } from "./crowd.ts";
import { MAX_GENERATORS, shareOf } from "./crowd-size.ts";

/** What an agent is told when it joins. */
export interface AgentStart extends CrowdStart {
  readonly agent: number;
  readonly people: number;
}

/** What an agent is told each time that it asks: orders since it last did, oldest first. */
export interface AgentOrders {
  readonly orders: readonly Order[];
  readonly isOver: boolean;
}

export interface AwaitAgentsOptions {
  readonly start: CrowdStart;
  readonly people: number;
  readonly agents: number;
  readonly port: number;
  readonly signal: AbortSignal;
  readonly print: (text: string) => void;
  /** Where it listens; absent: everywhere. */
  readonly host?: string;
  /** Told as soon as agents can join. */
  readonly onOpen?: (joinUrl: string) => void;
}

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const MAX_ORDERS = 1_000;
const SECRET_BYTES = 16;
/** An agent that says nothing for so long is gone, and its people with it. */
const AWAY_MS = 10_000;
export const ASK_EVERY_MS = 500;

/** Waits until that many agents have joined, and is then a crowd made by them. Rejects when `signal` aborts. */
export async function awaitAgents(options: AwaitAgentsOptions): Promise<Crowd> {
  const { agents, port, signal, print, host } = options;
  const secret = randomBytes(SECRET_BYTES).toString("base64url");
  const desk = new AgentServer(options);
  const server = createServer(
    { maxHeaderSize: 4096, headersTimeout: 5_000, requestTimeout: 10_000 },
    (request, response) => {
      void desk.answer(request, response, secret);
    },
  );
  server.maxConnections = agents * 4 + 8;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, resolve);
  });
  const { port: opened } = server.address() as { port: number };
  const addresses = host === undefined ? ownAddresses() : [host];
  const joinUrl = `http://${addresses[0] ?? "localhost"}:${opened}/${secret}`;
  print(`Waiting for ${agents} agents. On each of the other machines:\n  hustings drill agent --join ${joinUrl}`);
  options.onOpen?.(joinUrl);
  try {
    await desk.full(signal);
  } catch (cause) {
    await close(server);
    throw cause;
  }
  return {
    send: (order) => desk.send(order),
    report: () => desk.report(),
    pids: [],
    async [Symbol.asyncDispose]() {
      desk.isOver = true;
      await desk.dismissed();
      await close(server);
    },
  };
}

interface Agent {
  readonly orders: Order[];
  report: CrowdReport | undefined;
  heardMs: number;
  isDismissed: boolean;
}

class AgentServer {
  isOver = false;
  readonly #options: AwaitAgentsOptions;
  readonly #members: Agent[] = [];
  #changed: (() => void)[] = [];

  constructor(options: AwaitAgentsOptions) {
    this.#options = options;
  }

  full(signal: AbortSignal): Promise<void> {
    return this.#until(() => this.#members.length >= this.#options.agents, signal);
  }

  /** Until all have heard that it is over, or for a moment. */
  dismissed(): Promise<void> {
    const all = (): boolean => this.#members.every((member) => member.isDismissed || isAway(member));
    return this.#until(all, AbortSignal.timeout(ASK_EVERY_MS * 4)).catch(() => undefined);
  }

  send(order: Order): void {
    this.#members.forEach(({ orders }, i) => {
      const mine = order.do === "people" ? { ...order, people: shareOf(order.people, i, this.#members.length) } : order;
      const last = orders.at(-1);
      // Of wishes for people the newest counts.
      if (last?.do === "people" && mine.do === "people") orders.pop();
      if (orders.length < MAX_ORDERS) orders.push(mine);
    });
  }

  report(): CrowdReport {
    return mergeReports(this.#members.flatMap(({ report }) => (report ? [report] : [])));
  }

  async answer(request: IncomingMessage, response: ServerResponse, secret: string): Promise<void> {
    try {
      const [, given = "", place = ""] = (request.url ?? "").split("/");
      if (request.method !== "POST" || !isSame(given, secret)) return void response.writeHead(404).end();
      const body = await jsonOf(request);
      const answer = place === "join" ? this.#join() : this.#take(Number(place), body as CrowdReport);
      if (answer === undefined) return void response.writeHead(409).end();
      response.setHeader("content-type", "application/json").end(JSON.stringify(answer));
    } catch {
      response.writeHead(400).end();
    } finally {
      for (const changed of this.#changed) changed();
    }
  }

  #join(): AgentStart | undefined {
    const { start, people, agents, print } = this.#options;
    const agent = this.#members.length;
    if (agent >= agents || this.isOver) return undefined;
    this.#members.push({ orders: [], report: undefined, heardMs: systemClock.monotonicMs(), isDismissed: false });
    print(`Agent ${agent + 1} of ${agents} is here.`);
    return { ...start, agent, people: shareOf(people, agent, agents) + 1 };
  }

  #take(agent: number, report: CrowdReport): AgentOrders | undefined {
    const member = this.#members[agent];
    if (member === undefined || typeof report !== "object" || report === null || !("counts" in report))
      return undefined;
    if (report.generators > MAX_GENERATORS) return undefined;
    member.report = report;
    member.heardMs = systemClock.monotonicMs();
    member.isDismissed ||= this.isOver;
    return { orders: member.orders.splice(0), isOver: this.isOver };
  }

  #until(isSo: () => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!isSo()) return;
        this.#changed = this.#changed.filter((one) => one !== look);
        resolve();
      };
      this.#changed.push(look);
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      look();
    });
  }
}

function isAway({ heardMs }: Agent): boolean {
  return systemClock.monotonicMs() - heardMs > AWAY_MS;
}

function isSame(given: string, secret: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(secret)];
  return a.length === b.length && timingSafeEqual(a, b);
}

async function jsonOf(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request) {
    parts.push(part as Buffer);
    length += (part as Buffer).length;
    if (length > MAX_BODY_BYTES) throw new RangeError("a report is too long");
  }
  return length === 0 ? {} : (JSON.parse(Buffer.concat(parts).toString()) as unknown);
}

function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.filter(({ family, internal }) => family === "IPv4" && !internal).map(({ address }) => address);
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
