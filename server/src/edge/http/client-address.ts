// The address that a request came from, or that a trusted proxy names.

import type { IncomingHttpHeaders } from "node:http";
import { BlockList, isIP, isIPv6 } from "node:net";
import { networkOf } from "../../ops/address-block.ts";

export interface AddressedRequest {
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

export interface ClientAddresses {
  addressOf(request: AddressedRequest): string;
  /** Address or IPv6 network; `undefined` for this machine and trusted proxies, which stand for many clients. */
  limitKeyOf(address: string): string | undefined;
  /** From a trusted proxy's header, else from the connection. */
  schemeOf(request: AddressedRequest): "http" | "https";
}

/** Addresses or CIDR ranges. Throws RangeError for anything else. */
export function createClientAddresses(trustedProxies: readonly string[]): ClientAddresses {
  const trusted = new BlockList();
  for (const text of trustedProxies) trust(trusted, text);
  const isTrusted = (address: string) =>
    trustedProxies.length > 0 && isIP(address) > 0 && trusted.check(address, familyOf(address));

  return {
    addressOf(request) {
      let address = plainAddress(request.socket.remoteAddress ?? "unknown");
      const named = headerOf(request, "x-forwarded-for").split(",");
      while (isTrusted(address) && named.length > 0) {
        const next = plainAddress((named.pop() as string).trim());
        if (isIP(next) === 0) break;
        address = next;
      }
      return address;
    },
    limitKeyOf(address) {
      const plain = plainAddress(address);
      return isOwn(plain) || isTrusted(plain) ? undefined : networkOf(plain);
    },
    schemeOf(request) {
      const proto = headerOf(request, "x-forwarded-proto");
      if (isTrusted(plainAddress(request.socket.remoteAddress ?? "")) && (proto === "http" || proto === "https"))
        return proto;
      return "encrypted" in request.socket ? "https" : "http";
    },
  };
}

function trust(trusted: BlockList, text: string): void {
  const [address = "", prefix] = text.split("/");
  const bits = Number(prefix ?? (isIPv6(address) ? 128 : 32));
  if (isIP(address) === 0 || !Number.isInteger(bits) || bits < 0 || bits > (isIPv6(address) ? 128 : 32))
    throw new RangeError(`"${text}" is neither an address nor a range of addresses`);
  trusted.addSubnet(address, bits, familyOf(address));
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv6(address) ? "ipv6" : "ipv4";
}

function isOwn(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}

function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

function headerOf(request: AddressedRequest, name: string): string {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(",") : (value ?? "");
}
