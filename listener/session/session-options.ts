// What a session gets when it is made, and what the buffer policy advises it to do.

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
  /** Default: "32". */
  readonly rendition?: Rendition;
  /** Default: "packets". */
  readonly reading?: SoundReading;
  readonly random?: () => number;
  readonly policy?: RetryPolicy;
  /** The first message of each connection, before any of its sound. */
  readonly onSnapshot?: (snapshot: Snapshot) => void;
  /** New moments, `seq` ascending, each once, over every connection of the session. Must not call the session. */
  readonly onMoments?: (moments: readonly MomentEntry[]) => void;
  /** A public field of the session changed. Must not call the session. */
  readonly onChange?: () => void;
}

/** What the buffer policy asks of the connection; an absent field asks for nothing. */
export interface ConnectionAdvice {
  /** Skip what has not come, up to this slot. */
  readonly skipToSlot?: number;
  /** Report that the buffer is large enough for this cadence. */
  readonly readyCadenceMs?: number;
  readonly askRendition?: Rendition;
  /** Sound buffered ahead of the playhead now. */
  readonly aheadMs?: number;
}
