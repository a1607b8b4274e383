// Copies links, and decides which address of the server a link begins with, so that the people who get it can open it.

import type { Addresses } from "@hustings/wire/api/addresses.ts";

/** The people who can open a link; `unlimited` as far as this page can tell. */
export type Reach = "unlimited" | "network" | "this-computer";

export interface Invitation {
  /** The first is the best guess. */
  readonly origins: readonly [string, ...string[]];
  readonly reach: Reach;
}

export const NO_ADDRESSES: Addresses = { publicUrl: null, networkUrls: [] };

/** `page`: the address at which the host has opened the page. */
export function invitationOf(page: Pick<Location, "origin" | "hostname">, addresses: Addresses): Invitation {
  const { publicUrl, networkUrls } = addresses;
  const [first, ...others] = networkUrls;
  if (publicUrl !== null) return { origins: [publicUrl], reach: reachOf(new URL(publicUrl).hostname) };
  if (isLoopback(page.hostname) && first !== undefined) return { origins: [first, ...others], reach: "network" };
  return { origins: [page.origin], reach: reachOf(page.hostname) };
}

/** False when the browser cannot or may not copy. A page that was opened over HTTP has no clipboard. */
export async function copyText(text: string): Promise<boolean> {
  const { clipboard } = navigator as { readonly clipboard: Clipboard | undefined };
  if (!clipboard) return false;
  return clipboard.writeText(text).then(
    () => true,
    () => false,
  );
}

function reachOf(hostname: string): Reach {
  if (isLoopback(hostname)) return "this-computer";
  return isPrivate(hostname) ? "network" : "unlimited";
}

/** Whether a host name means the computer that uses it (RFC 6761 §6.3, RFC 1122 §3.2.1.3, RFC 4291 §2.5.3). */
export function isLoopback(hostname: string): boolean {
  return /^(?:(?:.+\.)?localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i.test(hostname);
}

/** Whether a host name means another computer on each network (RFC 1918, RFC 6762 §3, RFC 4193, RFC 4291 §2.5.6). */
function isPrivate(hostname: string): boolean {
  return /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.)[\d.]+$|\.local$|^\[f(?:[cd]|e[89ab])/i.test(hostname);
}
