// The messages from a crowd to its generators, as JSON.

import type { Rendition } from "@hustings/wire/units.ts";
import type { DoorAddress } from "../deployment/door-address.ts";

export interface CrowdStart {
  readonly door: DoorAddress;
  readonly path: string;
  readonly rendition: Rendition;
  readonly visitsHome: boolean;
}

export interface GeneratorStart extends CrowdStart {
  /** From 0, over all generators of the drill. */
  readonly generator: number;
  readonly capacity: number;
}

export type Order =
  | { readonly do: "people"; readonly people: number }
  /** `share`: 0 to 1. */
  | { readonly do: "stall"; readonly share: number }
  | { readonly do: "unstall" }
  | { readonly do: "mark"; readonly number: number };
