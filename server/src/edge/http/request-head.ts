// Reads the head of an ordinary GET that arrived in one piece. Everything else is left to node:http.

import type { IncomingHttpHeaders } from "node:http";
import { isHost, MAX_HEAD_BYTES } from "../../http/request-target.ts";

export interface RequestHead {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly httpVersion: string;
  readonly headers: IncomingHttpHeaders;
}

export const MAX_HEADERS = 64;

const LINE_END = "\r\n";
const HEAD_END = LINE_END + LINE_END;
const REQUEST_LINE = /^GET (\/[!-~]*) HTTP\/1\.1$/;
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t -~]*$/;
const MORE = new Set(["content-length", "transfer-encoding", "expect"]);
const WEBSOCKET = /(?:^|,)[ \t]*websocket[ \t]*(?:,|$)/i;
const UPGRADES = /(?:^|,)[ \t]*upgrade[ \t]*(?:,|$)/i;

/** Whether a request asks for a WebSocket. A server ignores every other upgrade (RFC 9110 §7.8). */
export function asksForWebSocket({ method, httpVersion, headers }: RequestHead): boolean {
  const { upgrade, connection = "" } = headers;
  if (upgrade === undefined || method !== "GET" || httpVersion !== "1.1") return false;
  return WEBSOCKET.test(upgrade) && UPGRADES.test(connection);
}

/** `undefined` unless `bytes` are exactly a GET's head in ASCII, each header once. */
export function readHead(bytes: Buffer): RequestHead | undefined {
  if (bytes.length > MAX_HEAD_BYTES) return undefined;
  const text = bytes.toString("latin1");
  if (!text.startsWith("GET /") || text.indexOf(HEAD_END) !== text.length - HEAD_END.length) return undefined;
  const [first = "", ...lines] = text.slice(0, -HEAD_END.length).split(LINE_END);
  const url = REQUEST_LINE.exec(first)?.[1];
  const headers = url === undefined || lines.length > MAX_HEADERS ? undefined : headersOf(lines);
  return !headers || !isHost(headers.host ?? "") ? undefined : { method: "GET", url, httpVersion: "1.1", headers };
}

function headersOf(lines: readonly string[]): IncomingHttpHeaders | undefined {
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    const value = line.slice(colon + 1);
    if (!NAME.test(name) || !VALUE.test(value) || MORE.has(name) || name in headers) return undefined;
    headers[name] = value.trim();
  }
  return headers;
}
