// Reads the JSON that the server put into the page for its first paint. A cached or static page may lack it.

import type { RoomDocument, SpaceList } from "@hustings/wire/listen/room-document.ts";

/** Removed when read, because it is soon out of date. */
export function takeRoom(id: string): RoomDocument | undefined {
  const room = take("room") as RoomDocument | undefined;
  return room?.id === id ? room : undefined;
}

/** The list of live spaces in the page, for the home page. Removed when read. */
export function takeSpaces(): SpaceList | undefined {
  return take("spaces") as SpaceList | undefined;
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
