// Tells the other tabs of this browser that one of them took a seat, so that none of them plays the space into its
// microphone.

import type { SpaceId } from "@hustings/wire/ids.ts";

export interface Tabs {
  /** Makes every other tab stop playing. */
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
