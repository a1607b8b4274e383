// Reads the client from X-Forwarded-For and -Proto, or Forwarded (RFC 7239). client-address.ts decides whom to trust.

import type { IncomingHttpHeaders } from "node:http";
import { isIP, isIPv4 } from "node:net";

/** One hop: the client as that hop's proxy saw it. */
export interface ForwardedHop {
  readonly text: string;
  /** Without port, brackets and quotes; `undefined` when `text` is no address. */
  readonly address: string | undefined;
  readonly scheme: "http" | "https" | undefined;
}

/** Far beyond any chain of proxies. The newest hops are read. */
const MAX_HOPS = 64;

/** The hops, oldest first. X-Forwarded-For outranks Forwarded. Empty without either header. */
export function forwardedHops(headers: IncomingHttpHeaders): ForwardedHop[] {
  const named = textOf(headers["x-forwarded-for"]);
  if (named.trim() !== "") return hopsOf(named, textOf(headers["x-forwarded-proto"]));
  return elementsOf(textOf(headers.forwarded)).map((element) => {
    const pairs = splitOutsideQuotes(element, ";").map((pair): [string, string] => {
      const equals = pair.indexOf("=");
      return [pair.slice(0, Math.max(0, equals)).trim().toLowerCase(), unquoted(pair.slice(equals + 1))];
    });
    const { for: text = "", proto } = Object.fromEntries(pairs);
    return { text, address: addressIn(text), scheme: schemeIn(proto) };
  });
}

/** The scheme of X-Forwarded-Proto, for proxies that name no client. */
export function forwardedScheme(headers: IncomingHttpHeaders): "http" | "https" | undefined {
  return schemeIn(textOf(headers["x-forwarded-proto"]).split(",").at(-1));
}

/** The address in `text`: an IPv4 or IPv6 address, with a port, brackets or quotes as proxies write them. */
export function addressIn(text: string): string | undefined {
  const plain = unquoted(text);
  const bracketed = /^\[([^\]]*)\](?::[\w.-]*)?$/.exec(plain)?.[1];
  const withPort = /^([\d.]+):\d{1,5}$/.exec(plain)?.[1];
  const address = withoutZone(bracketed ?? withPort ?? plain);
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  return isIP(mapped) === 0 ? undefined : mapped;
}

function hopsOf(named: string, schemes: string): ForwardedHop[] {
  const texts = elementsOf(named);
  const protos = schemes.split(",").slice(-MAX_HOPS).map(schemeIn);
  return texts.map((text, i) => ({
    text: text.trim(),
    address: addressIn(text),
    // Proxies append to both lists or set one scheme for all; the lists are aligned at their newest entries.
    scheme: protos.at(i - texts.length) ?? protos[0],
  }));
}

function elementsOf(text: string): string[] {
  return splitOutsideQuotes(text, ",")
    .filter((element) => element.trim() !== "")
    .slice(-MAX_HOPS);
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [];
  let isQuoted = false;
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    if (isQuoted && text[i] === "\\") i++;
    else if (text[i] === '"') isQuoted = !isQuoted;
    else if (!isQuoted && text[i] === separator) {
      parts.push(text.slice(from, i));
      from = i + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
}

function unquoted(text: string): string {
  const trimmed = text.trim();
  const isQuoted = trimmed.length > 1 && trimmed.startsWith('"') && trimmed.endsWith('"');
  return isQuoted ? trimmed.slice(1, -1).replace(/\\(.)/g, "$1").trim() : trimmed;
}

function schemeIn(text: string | undefined): "http" | "https" | undefined {
  const scheme = text?.trim().toLowerCase();
  return scheme === "http" || scheme === "https" ? scheme : undefined;
}

function withoutZone(address: string): string {
  return isIPv4(address) ? address : address.replace(/%[\w.-]*$/, "");
}

function textOf(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(",") : (value ?? "");
}
