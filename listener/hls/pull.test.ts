import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type FakeOrigin, ok, refused } from "../testing/fake-origin.ts";
import { LISTEN_URL, listenTo, pass, until } from "../testing/pull-fixture.ts";

test("U1 U3 a newcomer hears the space by HLS at once when the room document says pull, and misses nothing", async () => {
  const { clock, edge, origin, pushOrPull, listener, heard } = listenTo();
  await until(clock, () => listener.stats().firstSoundMs !== undefined, 1_000);
  await pass(clock, 60_000);
  const stats = listener.stats();
  assert.deepEqual([pushOrPull.delivery, edge.urls.length, stats.link, stats.ear], ["pull", 0, "following", "playing"]);
  assert.deepEqual([stats.gaps, stats.skippedSlots, stats.cadenceMs], [0, 0, 2_000]);
  assert.deepEqual(listener.faults, []);
  assert.ok((stats.mouthToEarMs.p95 ?? 99_999) < 5_000, `${stats.mouthToEarMs.p95} ms behind`);
  assert.ok(heard.sounds.length > 300);
  assert.ok(origin.requests.length < 140, `${origin.requests.length} requests in a minute`);
  listener.stop();
});

test("U3 over a long round trip the next reload is requested while a part is fetched, so the lag stays small", async () => {
  for (const [roundTripMs, mostMs] of [
    [20, 3_700],
    [200, 3_900],
    [500, 4_400],
    [1_000, 6_000],
  ] as const) {
    const { clock, origin, listener } = listenTo(({ origin }) => {
      origin.transitMs = roundTripMs / 2;
    });
    await pass(clock, 120_000);
    const { gaps, skippedSlots, mouthToEarMs } = listener.stats();
    assert.deepEqual([roundTripMs, gaps, skippedSlots, listener.faults], [roundTripMs, 0, 0, []]);
    assert.ok((mouthToEarMs.p50 ?? 99_999) < mostMs, `${roundTripMs} ms away: ${mouthToEarMs.p50} ms behind`);
    assert.ok(origin.requests.length < 260, `${origin.requests.length} requests in two minutes`);
    listener.stop();
  }
});

test("U1 a queued listener switches to pull when the room document says so", async () => {
  const { clock, edge, pushOrPull, listener, room } = listenTo(({ edge }) => {
    edge.isFull = true;
  }, "push");
  await pass(clock, 4_000);
  assert.deepEqual([pushOrPull.delivery, listener.session.waiting?.position, edge.openCount], ["push", 3, 1]);
  pushOrPull.onRoom(room("pull"));
  await until(clock, () => listener.stats().firstSoundMs !== undefined, 1_000);
  assert.deepEqual([pushOrPull.delivery, listener.session.waiting, edge.openCount], ["pull", undefined, 0]);
  assert.equal(listener.stats().connections, 1, "the session sees one connection");
  listener.stop();
});

test("U1 a listener who reconnects to a full door continues by pull from the next slot", async () => {
  for (const refuseWith of [{ code: 4506, reason: "full retry-after-ms=20000" }, undefined]) {
    const { clock, edge, pushOrPull, listener, heard, room } = listenTo(() => undefined, "push");
    await pass(clock, 10_000);
    pushOrPull.onRoom(room("pull"));
    assert.equal(pushOrPull.delivery, "push", "a listener with a place keeps it");
    edge.refuseWith = refuseWith;
    edge.isFull = true;
    edge.closeAll();
    const before = heard.sounds.length;
    await until(clock, () => heard.sounds.length > before + 10, 4_000);
    await pass(clock, 30_000);
    assert.deepEqual([pushOrPull.delivery, listener.stats().skippedSlots, heard.breaks], ["pull", 0, []]);
    assert.deepEqual(listener.faults, []);
    listener.stop();
  }
});

test("U1 when no WebSocket ever opens, the fourth try pulls from the door, and later ones alternate", async () => {
  const { clock, edge, origin, pushOrPull, listener } = listenTo(({ edge, origin }) => {
    edge.isUnreachable = true;
    origin.override = () => refused(502);
  }, "push");
  await pass(clock, 60_000);
  const { connections } = listener.stats();
  assert.ok(
    edge.urls.length > 3 && origin.requests.length > 3,
    `${edge.urls.length} and ${origin.requests.length} tries`,
  );
  assert.ok(connections >= 4 && listener.stats().firstSoundMs === undefined);
  origin.override = () => undefined;
  await until(clock, () => listener.stats().firstSoundMs !== undefined, 60_000);
  assert.deepEqual([pushOrPull.delivery, listener.stats().link], ["pull", "following"]);
  edge.isUnreachable = false;
  await until(clock, () => pushOrPull.delivery === "push", 120_000);
  await pass(clock, 5_000);
  assert.deepEqual([listener.stats().gaps, listener.stats().skippedSlots, listener.faults.length], [0, 0, 0]);
  listener.stop();
});

test("U1 when connections open and no frame comes through, the fourth try pulls, and push is found again", async () => {
  const { clock, edge, pushOrPull, listener } = listenTo(({ edge }) => {
    edge.isSwallowed = true;
  }, "push");
  await until(clock, () => listener.stats().firstSoundMs !== undefined, 45_000);
  assert.deepEqual([edge.urls.length, pushOrPull.delivery], [3, "pull"]);
  edge.isSwallowed = false;
  await until(clock, () => pushOrPull.delivery === "push", 120_000);
  listener.stop();
});

test("U1 a listener whose new network lets no WebSocket through continues by pull", async () => {
  for (const how of ["isUnreachable", "isSwallowed"] as const) {
    const { clock, edge, pushOrPull, listener, heard, room } = listenTo(() => undefined, "push");
    await pass(clock, 10_000);
    edge[how] = true;
    edge.closeAll();
    await pass(clock, 5_000);
    pushOrPull.onRoom(room("push"));
    const before = heard.sounds.length;
    await until(clock, () => heard.sounds.length > before + 10, 45_000);
    assert.deepEqual([pushOrPull.delivery, listener.faults], ["pull", []]);
    assert.ok(
      heard.breaks.every(([, , reason]) => reason === "jump"),
      "only the rule for long outages skips words",
    );
    listener.stop();
  }
});

test("U1 a listener whose server is away tries nothing but push until it is back", async () => {
  const { clock, edge, origin, pushOrPull, listener } = listenTo(() => undefined, "push");
  await pass(clock, 10_000);
  edge.isUnreachable = true;
  edge.closeAll();
  await pass(clock, 90_000);
  assert.deepEqual([pushOrPull.delivery, origin.requests], ["push", []]);
  edge.isUnreachable = false;
  await until(clock, () => listener.stats().link === "following", 45_000);
  listener.stop();
});

test("U1 when the CDN fails the listener queues at the door and is let in", async () => {
  const { clock, edge, origin, pushOrPull, listener } = listenTo(({ edge, origin }) => {
    edge.isFull = true;
    origin.override = () => refused(500);
  });
  await until(clock, () => listener.session.waiting !== undefined, 60_000);
  assert.deepEqual([pushOrPull.delivery, edge.openCount], ["push", 1]);
  const { length } = origin.requests;
  await pass(clock, 20_000);
  assert.equal(origin.requests.length, length);
  edge.isFull = false;
  edge.closeAll();
  await until(clock, () => listener.stats().heardSlots > 5, 60_000);
  listener.stop();
});

test("U4 with segments only and no blocking reload the buffer is that of 8 s", async () => {
  const { clock, origin, listener } = listenTo(({ origin }) => {
    origin.hasSegmentsOnly = true;
  });
  await pass(clock, 90_000);
  const stats = listener.stats();
  assert.deepEqual([stats.link, stats.cadenceMs, stats.gaps, stats.skippedSlots], ["following", 8_000, 0, 0]);
  assert.ok(stats.lagMs < 16_000, `${stats.lagMs} ms behind the newest listed`);
  assert.ok(origin.requests.length < 60, `${origin.requests.length} requests in 90 s`);
  listener.stop();
});

test("U5 a cache that is 20 s behind is heard without a gap and with the true lag", async () => {
  const { clock, origin, listener } = listenTo(({ origin }) => {
    origin.staleMs = 20_000;
  });
  await pass(clock, 40_000);
  const stats = listener.stats();
  assert.deepEqual([stats.gaps, stats.skippedSlots, stats.jumps], [0, 0, 0]);
  assert.ok((stats.mouthToEarMs.last ?? 0) > 22_000, `${stats.mouthToEarMs.last} ms`);
  origin.staleMs = 0;
  await pass(clock, 10_000);
  assert.deepEqual(listener.faults, []);
  origin.staleMs = 15_000;
  await pass(clock, 5_000);
  assert.deepEqual(listener.faults, [], "an older playlist is ignored");
  listener.stop();
});

test("U5 every word is heard late when the origin returns 503, nothing or rubbish for ten seconds", async () => {
  const isPlaylist = (path: string) => path.endsWith("m3u8");
  const faults: (FakeOrigin["override"] | undefined)[] = [
    () => refused(503, 2_000),
    () => refused(500),
    (path) => (isPlaylist(path) ? refused(404) : undefined),
    (path) => (isPlaylist(path) ? ok(new Uint8Array(40)) : undefined),
    undefined,
  ];
  for (const [index, instead] of faults.entries()) {
    const { clock, origin, listener, heard } = listenTo();
    await pass(clock, 10_000);
    const first = heard.sounds[0] ?? 0;
    if (instead) origin.override = instead;
    else origin.isSilent = true;
    await pass(clock, 10_000);
    origin.isSilent = false;
    origin.override = () => undefined;
    await until(clock, () => listener.stats().lagMs < 17_000 && heard.sounds.length > 120, 60_000);
    assert.deepEqual([index, listener.faults, listener.stats().skippedSlots], [index, [], 0]);
    assert.deepEqual(
      heard.sounds,
      heard.sounds.map((_, i) => first + i),
      "each slot once, in order",
    );
    listener.stop();
  }
});

test("U6 an object that is missing or damaged is skipped after four tries", async () => {
  for (const rubbish of [refused(404), ok(Uint8Array.of(0, 0, 0, 9, 1)), ok(new Uint8Array(0))]) {
    const { clock, edge, origin, listener, heard } = listenTo();
    await pass(clock, 5_000);
    const slot = 1_000 + Math.ceil((edge.head + 20 - 1_000) / 5) * 5;
    origin.override = (path) => (path.endsWith(`p${slot}.m4s`) ? rubbish : undefined);
    await pass(clock, 30_000);
    assert.deepEqual(heard.breaks, [[slot, slot + 5, "skipped"]]);
    assert.equal(origin.requests.filter((path) => path.endsWith(`p${slot}.m4s`)).length, 4);
    assert.equal(listener.stats().link, "following");
    assert.deepEqual(listener.faults, []);
    listener.stop();
  }
});

test("U7 a discontinuity is a gap of the log: no time passes and nothing is fetched", async () => {
  const { clock, edge, listener, heard } = listenTo();
  await pass(clock, 5_000);
  const from = edge.head + 1;
  edge.gap(80);
  edge.appendState({ kind: "anchor", anchorSlot: edge.head + 1, anchorUtcMs: clock.utcMs() });
  await pass(clock, 20_000);
  assert.deepEqual(heard.breaks, [[from, from + 80, "gap"]]);
  assert.deepEqual([listener.stats().skippedSlots, listener.stats().link], [0, "following"]);
  assert.ok((listener.stats().mouthToEarMs.last ?? 0) < 8_000);
  assert.deepEqual(listener.faults, []);
  listener.stop();
});

test("U8 hold music plays before the space is live, and after the end of the playlist everything listed is heard", async () => {
  const { clock, edge, origin, listener, heard } = listenTo(({ origin }) => {
    origin.override = () => refused(503, 1_000);
  });
  await pass(clock, 15_000);
  assert.deepEqual([listener.stats().link, listener.stats().ear], ["first-flight", "holding"]);
  origin.override = () => undefined;
  await until(clock, () => listener.stats().ear === "playing", 15_000);
  await pass(clock, 5_000);
  const endedSlot = edge.head + 1;
  edge.appendState({ kind: "ended" });
  await until(clock, () => listener.stats().ear === "finished", 15_000);
  assert.equal(heard.sounds.at(-1), endedSlot - 1);
  assert.equal(listener.stats().link, "ended");
  listener.stop();
});

test("U9 U10 push takes over within seconds of a free place, without a gap, a repeated or a skipped slot", async () => {
  const { clock, edge, pushOrPull, listener, heard, room } = listenTo();
  await pass(clock, 20_000);
  pushOrPull.onRoom(room("push"));
  await until(clock, () => pushOrPull.delivery === "push", 6_000);
  assert.deepEqual(edge.urls, [`${LISTEN_URL}?r=32`], "connects as a newcomer");
  await pass(clock, 100_000);
  const stats = listener.stats();
  assert.deepEqual([stats.connections, stats.gaps, stats.skippedSlots, stats.cadenceMs], [1, 0, 0, 200]);
  assert.deepEqual([listener.faults, heard.breaks], [[], []]);
  assert.ok(stats.lagMs < 1_000, `${stats.lagMs} ms behind`);
  assert.equal(stats.rate, 1);
  edge.closeAll();
  await pass(clock, 3_000);
  assert.deepEqual([pushOrPull.delivery, listener.stats().link], ["push", "following"]);
  listener.stop();
});

test("U10 with a late cache push takes over only when pull has reached its first slot", async () => {
  const { clock, origin, pushOrPull, listener, heard, room } = listenTo(({ origin }) => {
    origin.staleMs = 8_000;
  });
  await pass(clock, 20_000);
  pushOrPull.onRoom(room("push"));
  await pass(clock, 8_000);
  assert.equal(pushOrPull.delivery, "pull");
  assert.equal(origin.requests.length > 0, true);
  await until(clock, () => pushOrPull.delivery === "push", 8_000);
  await pass(clock, 20_000);
  assert.deepEqual([listener.stats().gaps, heard.breaks, listener.faults], [0, [], []]);
  listener.stop();
});

test("U9 when the place is taken again the try ends, and the next one comes later", async () => {
  const { clock, edge, pushOrPull, listener, room } = listenTo(({ edge }) => {
    edge.isFull = true;
  });
  await pass(clock, 10_000);
  for (let i = 0; i < 30; i++) {
    pushOrPull.onRoom(room("push"));
    await pass(clock, 5_000);
  }
  assert.ok(edge.urls.length >= 2 && edge.urls.length <= 4, `${edge.urls.length} tries in 150 s`);
  assert.deepEqual([edge.openCount, pushOrPull.delivery, listener.session.waiting], [0, "pull", undefined]);
  pushOrPull.onRoom(room("pull"));
  assert.deepEqual([listener.stats().gaps, listener.stats().connections], [0, 1]);
  listener.stop();
});

test("U11 returns to an edge with a slower cadence once the buffer is enough for it", async () => {
  const { clock, pushOrPull, listener, heard, room } = listenTo(({ edge }) => {
    edge.cadenceMs = 4_000;
  });
  await pass(clock, 10_000);
  pushOrPull.onRoom(room("push"));
  await pass(clock, 6_000);
  assert.deepEqual([pushOrPull.delivery, listener.session.targetCadenceMs], ["pull", 4_000]);
  for (let i = 0; i < 30 && pushOrPull.delivery === "pull"; i++) {
    pushOrPull.onRoom(room("push"));
    await pass(clock, 10_000);
  }
  assert.equal(pushOrPull.delivery, "push");
  await pass(clock, 60_000);
  assert.deepEqual([listener.stats().gaps, listener.stats().cadenceMs, heard.breaks], [0, 4_000, []]);
  listener.stop();
});

test("U3 U6 each slot is delivered once and in order for any sequence of responses, and the session recovers", async () => {
  const answer = fc.constantFrom("real", "real", "real", "404", "503", "500", "rubbish", "html", "empty");
  await fc.assert(
    fc.asyncProperty(
      fc.array(answer, { minLength: 5, maxLength: 40 }),
      fc.uint8Array({ maxLength: 60 }),
      async (responses, bytes) => {
        const { clock, origin, listener, heard } = listenTo();
        // The longest wait between two tries is half a minute.
        const wellMs = clock.monotonicMs() + 60_000;
        let count = 0;
        origin.override = () => {
          const response = responses[count++ % responses.length];
          if (clock.monotonicMs() >= wellMs || response === "real") return undefined;
          if (response === "404") return refused(404);
          if (response === "503") return refused(503, 1_000);
          if (response === "500") return refused(500);
          return ok(
            response === "rubbish" ? bytes : new TextEncoder().encode(response === "html" ? "<!doctype html>" : ""),
          );
        };
        await pass(clock, 135_000);
        assert.deepEqual(listener.faults, []);
        assert.equal(listener.stats().link, "following");
        assert.ok(clock.waitingCount < 20, `${clock.waitingCount} timers`);
        const last = heard.sounds.at(-1) ?? 0;
        await pass(clock, 10_000);
        assert.ok((heard.sounds.at(-1) ?? 0) >= last + 40);
        listener.stop();
      },
    ),
    { numRuns: 5, examples: [[["404", "500", "503", "500", "503"], new Uint8Array()]] },
  );
});
