// The file names in a space's folder. docs/log.md is normative.

import { join } from "node:path";
import { perRendition } from "@hustings/wire/units.ts";

export const LANE_FILES = {
  sound: perRendition((rendition) => `sound-${rendition}.lane`),
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
