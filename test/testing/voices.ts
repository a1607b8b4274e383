// Gives the paths of the voices that tests speak with.

import { fileURLToPath } from "node:url";

export type VoiceName = "anna" | "ben" | "chloe" | "welcome";

export function voice(name: VoiceName): string {
  return fileURLToPath(new URL(`../../media/voices/${name}.opus`, import.meta.url));
}
