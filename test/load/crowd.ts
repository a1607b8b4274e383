// Owns one process full of headless listeners: joins them at a rate, watches them, and reports what they measured.
// Started by run.ts as a child; talks over its IPC channel. Refuses to know the server's insides.

import { monitorEventLoopDelay } from "node:perf_hooks";
import { WebSocket } from "ws";
import { type HeadlessListener, startHeadlessListener } from "../../listener/headless/headless.ts";
import { Histogram } from "../../listener/playout/histogram.ts";
import type { Rendition } from "../../wire/units.ts";

export interface CrowdOrder {
  readonly url: string;
  readonly listeners: number;
  readonly rendition: Rendition;
  /** Listeners are started evenly over this time. */
  readonly joinMs: number;
}

export interface CrowdReport {
  readonly listeners: number;
  readonly playing: number;
  readonly firstSoundMs: { readonly p50: number | undefined; readonly p95: number | undefined; readonly none: number };
  readonly mouthToEarMs: { readonly p50: number | undefined; readonly p95: number | undefined };
  readonly gaps: number;
  readonly gapMs: number;
  readonly heldMs: number;
  readonly skippedSlots: number;
  readonly heardSlots: number;
  readonly duplicates: number;
  readonly badFrames: number;
  readonly reconnects: number;
  readonly faults: readonly string[];
  readonly bytes: number;
  /** Delay of this process's own loop: above 50 ms the crowd itself, not the server, is what is late. */
  readonly loopDelayP99Ms: number;
}

process.once("message", (order: CrowdOrder) => {
  const listeners: HeadlessListener[] = [];
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const startMs = performance.now();
  const joining = setInterval(() => {
    const due = Math.min(order.listeners, Math.ceil(((performance.now() - startMs) / order.joinMs) * order.listeners));
    while (listeners.length < due) {
      listeners.push(
        startHeadlessListener({ url: order.url, rendition: order.rendition, verify: true, WebSocketImpl: WebSocket }),
      );
    }
    if (listeners.length === order.listeners) clearInterval(joining);
  }, 20);
  process.on("message", (what) => {
    if (what === "report") answer(report(listeners, delay.percentile(99) / 1e6));
    if (what === "stop") {
      clearInterval(joining);
      for (const listener of listeners) listener.stop();
      process.disconnect?.();
    }
  });
});

function answer(measured: CrowdReport): void {
  if (process.send) process.send(measured);
}

function report(listeners: readonly HeadlessListener[], loopDelayP99Ms: number): CrowdReport {
  const firstSound = new Histogram();
  const mouthToEar = new Histogram();
  const all = listeners.map((listener) => {
    mouthToEar.merge(listener.mouthToEar);
    const stats = listener.stats();
    if (stats.firstSoundMs !== undefined) firstSound.add(stats.firstSoundMs);
    return stats;
  });
  const sum = (of: (stats: (typeof all)[number]) => number): number =>
    all.reduce((total, stats) => total + of(stats), 0);
  return {
    listeners: listeners.length,
    playing: all.filter(({ link, heardSlots }) => link === "following" && heardSlots > 0).length,
    firstSoundMs: {
      p50: firstSound.quantile(0.5),
      p95: firstSound.quantile(0.95),
      none: listeners.length - firstSound.count,
    },
    mouthToEarMs: { p50: mouthToEar.quantile(0.5), p95: mouthToEar.quantile(0.95) },
    gaps: sum((stats) => stats.gaps),
    gapMs: sum((stats) => stats.gapMs),
    heldMs: sum((stats) => stats.heldMs),
    skippedSlots: sum((stats) => stats.skippedSlots),
    heardSlots: sum((stats) => stats.heardSlots),
    duplicates: sum((stats) => stats.duplicates),
    badFrames: sum((stats) => stats.badFrames),
    reconnects: sum((stats) => stats.connections - 1),
    faults: listeners.flatMap(({ faults }) => faults).slice(0, 20),
    bytes: sum((stats) => stats.bytes),
    loopDelayP99Ms,
  };
}
