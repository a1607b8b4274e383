// The drill's side of agents on other machines, which post a report twice a second and get their orders.

import { randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { networkInterfaces } from "node:os";
import { systemClock } from "@hustings/flow/clock.ts";
import type { CrowdStart, Order } from "../generator/orders.ts";
import { type CrowdReport, mergeReports } from "../record/crowd-report.ts";
import type { Crowd } from "./crowd.ts";
import { MAX_GENERATORS, shareOf } from "./crowd-size.ts";

export interface AgentStart extends CrowdStart {
  readonly agent: number;
  readonly people: number;
}

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
  /** Address to listen on; absent: all. */
  readonly host?: string;
  readonly onOpen?: (joinUrl: string) => void;
}

const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** Orders that wait for an agent; further ones are dropped. */
const MAX_ORDERS = 1_000;
const SECRET_BYTES = 16;
/** An agent without a report for this long is gone, and its listeners with it. */
const AWAY_MS = 10_000;
export const POLL_MS = 500;

/** Resolves with the crowd when all agents have joined. Rejects when `signal` aborts. */
export async function awaitAgents(options: AwaitAgentsOptions): Promise<Crowd> {
  const { agents, port, signal, print, host } = options;
  const secret = randomBytes(SECRET_BYTES).toString("base64url");
  const agentServer = new AgentServer(options);
  const server = createServer(
    { maxHeaderSize: 4096, headersTimeout: 5_000, requestTimeout: 10_000 },
    (request, response) => {
      void agentServer.answer(request, response, secret);
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
  print(`Waiting for ${agents} agents. On each of the other machines run:\n  hustings drill agent --join ${joinUrl}`);
  options.onOpen?.(joinUrl);
  try {
    await agentServer.untilFull(signal);
  } catch (cause) {
    await close(server);
    throw cause;
  }
  return {
    send: (order) => agentServer.send(order),
    report: () => agentServer.report(),
    pids: [],
    async [Symbol.asyncDispose]() {
      agentServer.isOver = true;
      await agentServer.untilDismissed();
      await close(server);
    },
  };
}

interface Agent {
  readonly orders: Order[];
  report: CrowdReport | undefined;
  reportedMs: number;
  isDismissed: boolean;
}

class AgentServer {
  isOver = false;
  readonly #options: AwaitAgentsOptions;
  readonly #agents: Agent[] = [];
  #waiters: (() => void)[] = [];

  constructor(options: AwaitAgentsOptions) {
    this.#options = options;
  }

  untilFull(signal: AbortSignal): Promise<void> {
    return this.#until(() => this.#agents.length >= this.#options.agents, signal);
  }

  /** Resolves when all agents have been informed of the end, or after two seconds. */
  untilDismissed(): Promise<void> {
    const isDone = (): boolean => this.#agents.every((agent) => agent.isDismissed || isAway(agent));
    return this.#until(isDone, AbortSignal.timeout(POLL_MS * 4)).catch(() => undefined);
  }

  send(order: Order): void {
    this.#agents.forEach(({ orders }, i) => {
      const own = order.do === "people" ? { ...order, people: shareOf(order.people, i, this.#agents.length) } : order;
      // Only the latest audience size matters.
      if (orders.at(-1)?.do === "people" && own.do === "people") orders.pop();
      if (orders.length < MAX_ORDERS) orders.push(own);
    });
  }

  report(): CrowdReport {
    return mergeReports(this.#agents.flatMap(({ report }) => (report ? [report] : [])));
  }

  async answer(request: IncomingMessage, response: ServerResponse, secret: string): Promise<void> {
    try {
      const [, given = "", agent = ""] = (request.url ?? "").split("/");
      if (request.method !== "POST" || !isSame(given, secret)) return void response.writeHead(404).end();
      const body = await readJson(request);
      const answer = agent === "join" ? this.#join() : this.#accept(Number(agent), body as CrowdReport);
      if (answer === undefined) return void response.writeHead(409).end();
      response.setHeader("content-type", "application/json").end(JSON.stringify(answer));
    } catch {
      response.writeHead(400).end();
    } finally {
      for (const check of this.#waiters) check();
    }
  }

  #join(): AgentStart | undefined {
    const { start, people, agents, print } = this.#options;
    const agent = this.#agents.length;
    if (agent >= agents || this.isOver) return undefined;
    this.#agents.push({ orders: [], report: undefined, reportedMs: systemClock.monotonicMs(), isDismissed: false });
    print(`Agent ${agent + 1} of ${agents} has joined.`);
    return { ...start, agent, people: shareOf(people, agent, agents) + 1 };
  }

  #accept(number: number, report: CrowdReport): AgentOrders | undefined {
    const agent = this.#agents[number];
    if (agent === undefined || typeof report !== "object" || report === null || !("counts" in report)) return undefined;
    if (report.generators > MAX_GENERATORS) return undefined;
    agent.report = report;
    agent.reportedMs = systemClock.monotonicMs();
    agent.isDismissed ||= this.isOver;
    return { orders: agent.orders.splice(0), isOver: this.isOver };
  }

  #until(isDone: () => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (!isDone()) return;
        this.#waiters = this.#waiters.filter((one) => one !== check);
        resolve();
      };
      this.#waiters.push(check);
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      check();
    });
  }
}

function isAway({ reportedMs }: Agent): boolean {
  return systemClock.monotonicMs() - reportedMs > AWAY_MS;
}

function isSame(given: string, secret: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(secret)];
  return a.length === b.length && timingSafeEqual(a, b);
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request) {
    parts.push(part as Buffer);
    length += (part as Buffer).length;
    if (length > MAX_BODY_BYTES) throw new RangeError(`a report of more than ${MAX_BODY_BYTES} bytes`);
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
