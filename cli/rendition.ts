// Owns reading a rendition as a person writes it. Refuses nothing else.

import { RENDITIONS, type Rendition } from "@hustings/wire/units.ts";

export function isRendition(text: string): text is Rendition {
  return RENDITIONS.some((known) => known === text);
}
