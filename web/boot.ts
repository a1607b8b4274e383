// Owns reading what the server put into the page for its first paint. Refuses to trust that it is there.

import type { ListedSpace, RoomDocument } from "@hustings/wire/listen/room-document.ts";

/** The room document in the page, when it is that of `id`; used once, because it ages. */
export function takeRoom(id: string): RoomDocument | undefined {
  const room = take("room") as RoomDocument | undefined;
  return room?.id === id ? room : undefined;
}

export function takeSpaces(): readonly ListedSpace[] | undefined {
  const found = take("spaces") as { readonly spaces?: readonly ListedSpace[] } | readonly ListedSpace[] | undefined;
  return Array.isArray(found) ? found : (found as { readonly spaces?: readonly ListedSpace[] } | undefined)?.spaces;
}

function take(id: string): unknown {
  const element = document.getElementById(id);
  if (!(element instanceof HTMLScriptElement)) return undefined;
  element.remove();
  try {
    return JSON.parse(element.textContent ?? "");
  } catch {
    return undefined;
  }
}
