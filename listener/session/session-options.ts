// What a session is given, and what the player asks of it.

import type { Clock } from "@hustings/flow/clock.ts";
import type { RetryPolicy } from "@hustings/flow/retry.ts";
import type { Snapshot } from "@hustings/wire/listen/frames.ts";
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
  /** "32" where absent. */
  readonly rendition?: Rendition;
  /** "packets" where absent. */
  readonly reading?: SoundReading;
  readonly random?: () => number;
  readonly policy?: RetryPolicy;
  /** The first message of each connection, before any of its sound. */
  readonly onSnapshot?: (snapshot: Snapshot) => void;
  /** Something in the session's public fields changed. Called from within; must not call back. */
  readonly onChange?: () => void;
}

/** What the buffer policy asks of the session; absent: nothing. */
export interface ConnectionAdvice {
  readonly skipToSlot?: number;
  /** The buffer holds this cadence. */
  readonly readyCadenceMs?: number;
  readonly askRendition?: Rendition;
  /** What is ahead of the playhead just now. */
  readonly aheadMs?: number;
}
