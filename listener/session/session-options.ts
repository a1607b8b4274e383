// The options of a session, and the advice that it gets from the buffer policy.

import type { Clock } from "@hustings/flow/clock.ts";
import type { RetryPolicy } from "@hustings/flow/retry.ts";
import type { Snapshot } from "@hustings/wire/listen/frames.ts";
import type { MomentEntry } from "@hustings/wire/log/lanes.ts";
import type { Rendition } from "@hustings/wire/units.ts";
import type { SoundReading } from "./frame-reader.ts";
import type { SlotSink } from "./slot-order.ts";
import type { Transport } from "./transport.ts";

export interface SessionOptions {
  /** `ws(s)://host/listen/ID`, without a query. */
  readonly url: string;
  readonly clock: Clock;
  readonly transport: Transport;
  readonly sink: SlotSink;
  /** Default: USUAL_RENDITION. */
  readonly rendition?: Rendition;
  /** Default: "packets". */
  readonly reading?: SoundReading;
  readonly random?: () => number;
  readonly policy?: RetryPolicy;
  /** Called before any sound of the connection. */
  readonly onSnapshot?: (snapshot: Snapshot) => void;
  /** New moments, `seq` ascending, each once. Must not call the session. */
  readonly onMoments?: (moments: readonly MomentEntry[]) => void;
  readonly onChange?: () => void;
}

export interface SessionCounts {
  connections: number;
  frames: number;
  bytes: number;
  badFrames: number;
  newSlots: number;
}

/** An absent field asks for nothing. */
export interface ConnectionAdvice {
  readonly skipToSlot?: number;
  readonly readyCadenceMs?: number;
  readonly askRendition?: Rendition;
  readonly aheadMs?: number;
  /** How far behind the stage the sound is that is heard now. */
  readonly heardLagMs?: number;
}
