// English texts that few people meet: an address that leads nowhere and a space that has ended.

import { isolate } from "../isolate.ts";
import { lengthPhrase } from "./length.ts";

const moments = new Intl.DateTimeFormat("en", { dateStyle: "full", timeStyle: "short" });

export const aside = {
  noPageTitle: "Nothing here",
  noPage: "There is no page at this address. Check the link, or see what is live.",
  noSpaceTitle: "No space here",
  noSpace: "There is no space at this address. Check the link, or see what is live.",
  seeLive: "See what is live",
  recordingHeading: "Hear it again",
  recordingMissing: "There is no recording of this space.",
  player: {
    label: (title: string) => `Recording of ${isolate(title)}`,
    play: "Play",
    pause: "Pause",
    back: (seconds: number) => `Back ${seconds} seconds`,
    on: (seconds: number) => `On ${seconds} seconds`,
    position: "Position in the recording",
    timeOf: (elapsed: string, total: string) => `${elapsed} of ${total}`,
  },
  heldOn: (utcMs: number) => moments.format(utcMs),
  length: lengthPhrase,
  spoke: "On the stage",
  share: "Share",
  copyLink: "Copy the link",
  copyByHand: "The link, to copy",
  linkCopied: "The link is copied.",
  download: (format: string) => `Download as ${format}`,
};
