// The file names in a space's folder. docs/log.md is normative.

import { join } from "node:path";

export const LANE_FILES = {
  sound: { "32": "sound-32.lane", "16": "sound-16.lane" },
  state: "state.lane",
  backstage: "backstage.lane",
  mark: "slots.mark",
  term: "pen.term",
  moments: "moments.lane",
  momentTerm: "moments.term",
} as const;

export function spacesFolder(directory: string): string {
  return join(directory, "spaces");
}
