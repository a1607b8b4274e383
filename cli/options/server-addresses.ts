// The addresses of a server, from its settings.

import type { Config } from "@hustings/server/ops/config.ts";

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

export function scheme({ tlsCert }: AddressSettings): string {
  return tlsCert === undefined ? "http" : "https";
}

export function isEverywhere(host: string): boolean {
  return host === "::" || host === "0.0.0.0";
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
