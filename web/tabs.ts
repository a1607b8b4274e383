// Owns what tabs of one browser in one space tell each other: who took a seat speaks from there, and nothing else of
// this browser may play the space into that microphone. Refuses to know players and seats.

import type { SpaceId } from "@hustings/wire/ids.ts";

export interface Tabs {
  /** Tells every other tab to fall silent. */
  announceSeat(): void;
  close(): void;
}

export function openTabs(space: SpaceId, onSeatElsewhere: () => void): Tabs {
  if (typeof BroadcastChannel !== "function") return { announceSeat: () => undefined, close: () => undefined };
  const channel = new BroadcastChannel(`hustings.${space}`);
  channel.onmessage = ({ data }) => {
    if (data === "seated") onSeatElsewhere();
  };
  return {
    announceSeat: () => channel.postMessage("seated"),
    close: () => channel.close(),
  };
}
