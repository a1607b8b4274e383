// Owns where the voices of the tests are. Refuses to know who speaks them.

import { fileURLToPath } from "node:url";

export type VoiceName = "anna" | "ben" | "chloe" | "welcome";

export function voice(name: VoiceName): string {
  return fileURLToPath(new URL(`../../media/voices/${name}.opus`, import.meta.url));
}
