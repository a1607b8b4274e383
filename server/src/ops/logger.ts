// Logs for the operator, as JSON or short lines. Never waits for a slow reader: beyond 1 MiB lines are dropped.

import { pino } from "pino";
import type { Config } from "./config.ts";
import { createLogWriter, descriptorOf } from "./log-writer.ts";

/** Fields first, then one sentence. Never waits and never throws. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

export interface LoggerOptions {
  /** "parent", "stage", "edge 2". */
  readonly role: string;
  readonly level: Config["logLevel"];
  readonly format: "json" | "lines";
}

/** Never written, at any depth. */
const SECRET_FIELDS = ["ticket", "hostTicket", "pass", "secret", "hostUrl", "turnSecret", "authorization"];

export function createLogger({ role, level, format }: LoggerOptions): Logger {
  const out = createLogWriter(descriptorOf(2));
  process.once("exit", out.flush);
  const target = format === "json" ? out : { write: (line: string) => out.write(lineForPeople(line)) };
  const redact = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);
  return pino({ level, base: { role, pid: process.pid }, redact: { paths: redact, remove: true } }, target);
}

const LEVEL_NAMES: Readonly<Record<number, string>> = {
  20: "debug ",
  30: "",
  40: "warning: ",
  50: "error: ",
  60: "error: ",
};
const OMITTED_FIELDS = new Set(["level", "time", "pid", "role", "msg", "err", "error", "reason"]);

/** "12:03:04 stage    error: The message. (field=value) The cause". */
export function lineForPeople(json: string): string {
  const fields = JSON.parse(json) as Record<string, unknown>;
  const { level, time, role, msg, err } = fields;
  const at = new Date(time as number).toTimeString().slice(0, 8);
  const more = Object.entries(fields).filter(([name]) => !OMITTED_FIELDS.has(name));
  const shown = more.map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  const why = (err as { message?: unknown } | undefined)?.message;
  const tail = [shown.length > 0 ? `(${shown.join(", ")})` : "", why === undefined ? "" : String(why)];
  const head = `${at} ${String(role).padEnd(8)} ${LEVEL_NAMES[level as number] ?? ""}${String(msg ?? "")}`;
  return `${[head, ...tail]
    .filter((part) => part !== "")
    .join(" ")
    .replaceAll("\n", " ")}\n`;
}
