// The messages from a crowd to its generators: the start, and orders. Plain values that travel as JSON.

import type { Rendition } from "@hustings/wire/units.ts";
import type { DoorAddress } from "../deployment/door-address.ts";

export interface CrowdStart {
  readonly door: DoorAddress;
  /** `/listen/ID`. */
  readonly path: string;
  readonly rendition: Rendition;
  /** Whether listeners that leave request the home page. */
  readonly visitsHome: boolean;
}

export interface GeneratorStart extends CrowdStart {
  /** Number of this generator among all of the drill, from 0. */
  readonly generator: number;
  /** Most listeners at once. */
  readonly capacity: number;
}

export type Order =
  /** Grow or shrink to this many listeners. */
  | { readonly do: "people"; readonly people: number }
  /** A share (0 to 1) of the listeners stops reading. */
  | { readonly do: "stall"; readonly share: number }
  | { readonly do: "unstall" }
  /** Fault `number` is injected now. */
  | { readonly do: "mark"; readonly number: number };
