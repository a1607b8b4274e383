import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { startHeadlessListener } from "../headless/headless.ts";
import { FakeEdge } from "../testing/fake-edge.ts";
import { listenTo, pass } from "../testing/pull-fixture.ts";
import { LagReport } from "./lag-report.ts";

test("L16 a listener reports its lag with the pings that it sends anyway, and within a minute of a change", async () => {
  const clock = manualClock();
  const edge = new FakeEdge(clock);
  const options = { url: "ws://edge/listen/x", clock, random: () => 0.5, transport: edge.transport };
  using listener = startHeadlessListener(options);
  await pass(clock, 120_000);
  const pings = edge.pingCount;
  assert.ok(pings <= 6, `${pings} pings`);
  assert.ok(edge.lagsMs.length > 0);
  for (const lagMs of edge.lagsMs) assert.ok(lagMs > 300 && lagMs < 1_500, String(lagMs));
  edge.isHeldBack = true;
  await pass(clock, 4_000);
  edge.isHeldBack = false;
  edge.sendSlots(Array.from({ length: 20 }, (_, i) => edge.head - 19 + i));
  await pass(clock, 60_000);
  assert.ok((edge.lagsMs.at(-1) ?? 0) > 2_000, String(edge.lagsMs));
  assert.ok(edge.pingCount <= pings + 4, `${edge.pingCount} pings`);
  assert.equal(listener.session.link, "following");
});

test("L16 a listener by pull sends its lag with the playlists that it requests at the door, and to no CDN", async () => {
  for (const [tier, isAtDoor] of [
    ["push", true],
    ["pull", false],
  ] as const) {
    const { clock, edge, origin, listener } = listenTo(({ edge }) => {
      edge.isSwallowed = tier === "push";
    }, tier);
    await pass(clock, 180_000);
    const reports = origin.lagHeaders.filter((lag) => lag !== undefined).map(Number);
    assert.equal(reports.length > 0, isAtDoor, `${tier} ${edge.urls.length}`);
    for (const lagMs of reports) assert.ok(lagMs > 1_000 && lagMs < 8_000, String(lagMs));
    listener.stop();
  }
});

test("L16 in a large audience about two thousand report", () => {
  const reporters = Array.from({ length: 60_000 }, (_, i) => {
    const report = new LagReport(i / 60_000);
    report.onSnapshot(60_000);
    report.measured(900);
    return report.take().lagMs;
  }).filter((lagMs) => lagMs !== undefined);
  assert.ok(reporters.length > 1_500 && reporters.length < 2_500, String(reporters.length));
});
