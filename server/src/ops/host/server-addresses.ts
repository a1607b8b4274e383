// The addresses of a server, from its settings and the machine's networks.

import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import type { Config } from "../config.ts";

export type AddressSettings = Pick<Config, "host" | "port" | "publicUrl" | "tlsCert">;

export function shownUrl(config: AddressSettings): string {
  if (config.publicUrl !== undefined) return config.publicUrl;
  const host = isEverywhere(config.host) ? "localhost" : bracketed(config.host);
  return `${scheme(config)}://${host}:${config.port}`;
}

/** The door as seen from this machine. With TLS the name must match the certificate, so it is the public one. */
export function ownUrl(config: AddressSettings): string {
  if (config.tlsCert !== undefined) return shownUrl(config);
  return `http://${isEverywhere(config.host) ? "127.0.0.1" : bracketed(config.host)}:${config.port}`;
}

/** Where other devices on the same network reach the door; empty if it accepts at one address only. */
export function networkUrls(config: AddressSettings, networks = networkInterfaces()): readonly string[] {
  if (!isEverywhere(config.host)) return [];
  return ownAddresses(networks).map((address) => `${scheme(config)}://${address}:${config.port}`);
}

/**
 * Where a browser on this machine should send other people; empty: it knows no such address. Without `publicUrl` there is
 * none with TLS either, because the certificate names a host and no address.
 */
export function invitationUrls(config: AddressSettings): readonly string[] {
  return config.tlsCert === undefined ? networkUrls(config) : [];
}

type Networks = ReturnType<typeof networkInterfaces>;

/** Names of interfaces to containers, virtual machines and tunnels, which other devices rarely reach. */
const VIRTUAL = /^(?:docker|br-|veth|virbr|vmnet|vboxnet|vEthernet|lxc|cni|utun|tun|tap|wg|tailscale|zt)/i;

/** IPv4, without loopback and self-assigned addresses; those of virtual networks last. */
function ownAddresses(networks: Networks): string[] {
  const named = Object.entries(networks).flatMap(([name, list = []]) => list.map((one) => ({ ...one, name })));
  const usable = named.filter((one) => one.family === "IPv4" && !one.internal && !isSelfAssigned(one));
  return usable
    .sort((a, b) => Number(VIRTUAL.test(a.name)) - Number(VIRTUAL.test(b.name)))
    .map(({ address }) => address);
}

/** RFC 3927. */
function isSelfAssigned({ address }: NetworkInterfaceInfo): boolean {
  return address.startsWith("169.254.");
}

export function isEverywhere(host: string): boolean {
  return host === "::" || host === "0.0.0.0";
}

function scheme({ tlsCert }: AddressSettings): string {
  return tlsCert === undefined ? "http" : "https";
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
