// Tests that an operator can change the cadence of an edge while people listen, in Chromium and headless. Chromium climbs
// to 1 s only: playing at 0.96, a page needs 87 s until it is ready for 2 s, 147 s for 4 s and 268 s for 8 s. The whole
// table is in test/faults/ladder.test.ts, on a manual clock.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import type { Page } from "playwright-core";
import type { ListenerStats } from "../../listener/playout/listener-stats.ts";
import { openBrowser } from "../testing/browser/browser.ts";
import { press, sees } from "../testing/browser/page-actions.ts";
import { beginWatch, playheadSeen, watchPlayheads } from "../testing/browser/playhead-watch.ts";
import { atCadence, setCadence } from "../testing/edge-cadence.ts";
import { startLiveSpace } from "../testing/fake-speaker.ts";
import { assertUndisturbed, startListening } from "../testing/recording-listener.ts";
import { startServer } from "../testing/running-server.ts";
import { until } from "../testing/until.ts";

/** At 0.96 it takes 53 s to hold what 1 s needs, and at 1.04 half a minute to give it back; a busy machine takes longer. */
const MOVED_MS = 400_000;
const SETTLED_SLOTS = 15;
/** A busy machine stands still for a moment, which is longer than 0.4 s of buffer and shorter than 2 s. */
const MOMENT_MS = 1_000;
/** A browser on a busy machine may need a push before its playhead first moves. */
const STALLS_AT_START = 1;
const STAND_MS = 150;
const LISTENERS = 12;

// Every test waits for sound most of the time, so they run at once, each with a server of its own.
describe("the cadence of an edge", { concurrency: true }, async () => {
  const browser = await openBrowser();
  after(() => browser[Symbol.asyncDispose]());

  const listen = async (url: string): Promise<Page> => {
    const { page, context } = await browser.person();
    await watchPlayheads(context);
    await page.goto(url);
    await press(page, "Listen");
    await sees(page, "Stop listening");
    return page;
  };

  test("a page that is moved from 0.2 to 1 s and back plays on, and shows how far behind it is", async (t) => {
    await using server = await startServer({ edges: 1 });
    using live = await startLiveSpace(server, "Slower, and faster");
    const page = await listen(live.space.url);
    await hears(page, SETTLED_SLOTS);
    const first = await statsOf(page);
    assert.equal(first.cadenceMs, 200);
    await until("the page to show live", async () => (await delayShown(page)) === "live");
    await beginWatch(page);

    const seen = new Set<number>();
    const askedMs = performance.now();
    await setCadence(server, "1000");
    const isAt = async (cadenceMs: number): Promise<boolean> => {
      const at = (await statsOf(page)).cadenceMs;
      seen.add(at);
      return at === cadenceMs;
    };
    await until("the page to be at 1 s", () => isAt(1_000), MOVED_MS);
    const upS = (performance.now() - askedMs) / 1_000;
    const up = await statsOf(page);
    assert.deepEqual([...seen], [200, 400, 1_000], "by way of 0.4 s");
    assert.deepEqual(await atCadence(server), [0, 0, 1, 0, 0, 0]);
    await until("the page to show 3 s behind", async () => (await delayShown(page)) === "3 s behind");
    await hears(page, 25);

    await setCadence(server, "200");
    await until("the page to be at 0.2 s", () => isAt(200));
    const down = await statsOf(page);
    await until("the page to show live again", async () => (await delayShown(page)) === "live", MOVED_MS);
    await hears(page, SETTLED_SLOTS);
    const last = await statsOf(page);
    const { elapsedMs, playedMs, stoodMs } = await playheadSeen(page);
    t.diagnostic(
      `at 1 s after ${upS.toFixed(0)} s, ${behind(up)} behind; in ${(elapsedMs / 1_000).toFixed(0)} s ${last.gaps - first.gaps} gaps of ${last.gapMs - first.gapMs} ms, ${last.stalls - first.stalls} stalls; the playhead stood ${Math.round(stoodMs)} ms at most`,
    );
    assert.deepEqual([down.gaps - up.gaps, down.stalls - up.stalls], [0, 0], "gaps and stalls with a buffer of 1 s");
    assert.ok(last.gapMs - first.gapMs < MOMENT_MS, `${last.gapMs - first.gapMs} ms of filler`);
    assert.deepEqual([last.skippedSlots, last.jumps, last.duplicates, last.connections], [0, 0, 0, 1]);
    assert.ok(playedMs > elapsedMs * 0.95 && playedMs < elapsedMs * 1.05, `${playedMs} ms played in ${elapsedMs}`);
    await page.context().close();
  });

  test("a page that begins at a cadence of 4 s hears at once, shows that it is 7 s behind, and hears no gap", async (t) => {
    await using server = await startServer({ edges: 1, args: ["--cadence", "4"] });
    using live = await startLiveSpace(server, "Every four seconds");
    using listener = await startListening(server, live.space);
    await listener.hearsMore(40);
    const page = await listen(live.space.url);
    await hears(page, 1);
    const { stalls: stallsAtStart } = await statsOf(page);
    await beginWatch(page);
    await until("the page to show how far behind it is", async () => /^\d+ s behind$/.test(await delayShown(page)));
    const shown = await delayShown(page);
    await hears(page, 45);
    const stats = await statsOf(page);
    const { firstSoundMs = Infinity, cadenceMs, gaps, stalls, skippedSlots } = stats;
    const { stoodMs } = await playheadSeen(page);
    t.diagnostic(
      `first sound after ${Math.round(firstSoundMs)} ms, ${behind(stats)} behind ("${shown}"); the playhead stood ${Math.round(stoodMs)} ms at most`,
    );
    assert.equal(cadenceMs, 4_000);
    assert.ok(firstSoundMs < 2_000, `${firstSoundMs} ms`);
    assert.match(shown, /^[678] s behind$/);
    assert.deepEqual([gaps, skippedSlots], [0, 0]);
    assert.ok(stallsAtStart <= STALLS_AT_START, `${stallsAtStart} stalls at the start`);
    assert.equal(stalls, stallsAtStart, "no stall once it plays");
    assert.ok(stoodMs < STAND_MS, `the playhead stood ${stoodMs} ms`);
    await page.context().close();
  });

  test("twelve listeners that are moved from 0.2 to 1 s and back hear every slot", async (t) => {
    await using server = await startServer({ edges: 1 });
    using live = await startLiveSpace(server, "Slower, and faster");
    await using all = new AsyncDisposableStack();
    const listeners = await Promise.all(Array.from({ length: LISTENERS }, () => startListening(server, live.space)));
    for (const one of listeners) all.use(one);
    await setCadence(server, "1000");
    await until("all to be at 1 s", async () => (await atCadence(server))[2] === LISTENERS, MOVED_MS);
    await Promise.all(listeners.map((one) => one.hearsMore(20)));
    const newcomer = all.use(await startListening(server, live.space));
    assert.equal(newcomer.headless.stats().cadenceMs, 1_000, "a newcomer begins there");
    t.diagnostic(`at 1 s, ${listeners[0]?.headless.stats().lagMs} ms behind`);
    await setCadence(server, "200");
    await until("all to be at 0.2 s", async () => (await atCadence(server))[0] === LISTENERS + 1, MOVED_MS);
    await Promise.all(listeners.map((one) => one.hearsMore(20)));
    for (const one of [...listeners, newcomer]) assertUndisturbed(one, "one of twelve");
    t.diagnostic(`waited ${Math.max(...listeners.map((one) => one.waitedMs()))} ms`);
  });

  test("a server started with a cadence keeps it, and rejects a cadence that is not in the table", async () => {
    await using server = await startServer({ edges: 1, args: ["--cadence", "2"] });
    using live = await startLiveSpace(server, "Every two seconds");
    using listener = await startListening(server, live.space);
    assert.equal(listener.headless.stats().cadenceMs, 2_000);
    assert.equal((await setCadence(server, "300")).statusCode, 404);
    assert.equal((await setCadence(server, "auto")).statusCode, 200);
  });
});

async function statsOf(page: Page): Promise<ListenerStats> {
  return (await page.evaluate("hustings.stats()")) as ListenerStats;
}

/** Resolves when the playhead has passed `count` more slots of sound. */
async function hears(page: Page, count: number): Promise<void> {
  const enough = (await statsOf(page)).heardSlots + count;
  await until(`${count} more slots at the playhead`, async () => (await statsOf(page)).heardSlots >= enough);
}

function behind({ mouthToEarMs }: ListenerStats): string {
  return `${((mouthToEarMs.last ?? Number.NaN) / 1_000).toFixed(1)} s`;
}

/** The delay that the bar shows: "live", "3 s behind". */
async function delayShown(page: Page): Promise<string> {
  return page.locator(".bar strong").first().innerText({ timeout: 1_000 });
}
