// Tells this browser's other tabs that one took a seat, so that they do not play into its microphone.

import type { SpaceId } from "@hustings/wire/ids.ts";

export interface Tabs {
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
