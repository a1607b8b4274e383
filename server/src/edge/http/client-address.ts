// The address that a request came from, or that a trusted proxy names.

import type { IncomingHttpHeaders } from "node:http";
import { BlockList, isIP, isIPv6 } from "node:net";
import { Refusal } from "@hustings/wire/errors.ts";
import { isOwnAddress, networkOf } from "../../ops/address-block.ts";
import { type ForwardedHop, forwardedHops, forwardedScheme } from "./forwarded.ts";

export interface AddressedRequest {
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

export interface ClientAddresses {
  /** "unknown" if the connection is gone. Throws `bad-request` if a trusted proxy names no address. */
  addressOf(request: AddressedRequest): string;
  /** Address or IPv6 network; `undefined` for this machine and trusted proxies, which stand for many clients. */
  limitKeyOf(address: string): string | undefined;
  /** Reads a trusted proxy's header, else the connection. */
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
      const peer = peerOf(request);
      const hop = clientHop(request, peer);
      if (hop === undefined) return peer;
      if (hop.address === undefined)
        throw new Refusal(
          "bad-request",
          `A trusted proxy forwards this request for ${JSON.stringify(hop.text.slice(0, 60))}, which is no address.`,
        );
      return hop.address;
    },
    limitKeyOf(address) {
      const plain = plainAddress(address);
      return isOwnAddress(plain) || isTrusted(plain) ? undefined : networkOf(plain);
    },
    schemeOf(request) {
      const peer = peerOf(request);
      const scheme =
        clientHop(request, peer)?.scheme ?? (isTrusted(peer) ? forwardedScheme(request.headers) : undefined);
      return scheme ?? ("encrypted" in request.socket ? "https" : "http");
    },
  };

  // The newest hop whose successors are all trusted proxies.
  function clientHop({ headers }: AddressedRequest, peer: string): ForwardedHop | undefined {
    if (!isTrusted(peer)) return undefined;
    const hops = forwardedHops(headers);
    return hops.findLast(({ address }) => address === undefined || !isTrusted(address)) ?? hops[0];
  }
}

function peerOf({ socket }: AddressedRequest): string {
  return plainAddress(socket.remoteAddress ?? "unknown");
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

function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}
