// Texts of pages for readers without JavaScript, in one language, because pages are cached for everybody. Servers do
// not import web/text.

import type { RoomDocument } from "@hustings/wire/listen/room-document.ts";

export interface PageText {
  readonly product: string;
  readonly titleOf: (spaceTitle: string) => string;
  readonly homeDescription: string;
  readonly spaceDescription: (room: Pick<RoomDocument, "phase" | "host" | "audience">) => string;
  readonly withoutScript: string;
  readonly notBuilt: string;
}

const PHASES: Readonly<Record<RoomDocument["phase"], string>> = {
  created: "Begins soon",
  live: "Live now",
  ended: "Ended",
};

export const ENGLISH: PageText = {
  product: "Hustings",
  titleOf: (spaceTitle) => `${spaceTitle} · Hustings`,
  homeDescription: "Live audio for crowds of any size. Open a link and listen.",
  spaceDescription({ phase, host, audience }) {
    const by = host === "" ? "" : ` with ${host}`;
    const listening = phase === "live" && audience > 1 ? ` ${audience.toLocaleString("en")} people are listening.` : "";
    return `${PHASES[phase]}${by}.${listening} Open the link and listen, no account needed.`;
  },
  withoutScript: "Hustings plays live sound with JavaScript. Switch it on for this page to listen.",
  notBuilt: "The web app has not been built: run npm run build.",
};
