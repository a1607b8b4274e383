// English texts that few people meet: an address that leads nowhere and a space that has ended.

import { isolate } from "../isolate.ts";

export const aside = {
  noPageTitle: "Nothing here",
  noPage: "There is no page at this address. Check the link, or see what is live.",
  noSpaceTitle: "No space here",
  noSpace: "There is no space at this address. Check the link, or see what is live.",
  seeLive: "See what is live",
  recordingHeading: "Hear it again",
  recordingMissing: "There is no recording of this space.",
  recordingLabel: (title: string) => `Recording of ${isolate(title)}`,
  downloadRecording: "Download the recording",
};
