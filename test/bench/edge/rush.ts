// Measures the effect of a rush at the public door. While thousands listen and thousands more join as fast as they are
// admitted, it times mutes and a dropped speaker's return, and counts listeners' gaps.

import { type Crowd, startCrowd } from "../../../drill/crowd/crowd.ts";
import { systemClock } from "../../../flow/clock.ts";
import { ROUTES } from "../../../wire/routes.ts";
import { type FakeSpeaker, inviteFakeSpeaker, type LiveSpace, startLiveSpace } from "../../testing/fake-speaker.ts";
import { startServer } from "../../testing/running-server.ts";
import { until } from "../../testing/until.ts";
import { buildNative, type Native, type Sink } from "../native/native.ts";
import type { Bench, BenchContext, Figure } from "../report/figures.ts";
import { median, quantile } from "../report/statistics.ts";

/** Listeners that are inside before the rush: the drill's own, which check every slot. */
const INSIDE = 20_000;
const GENERATORS = 2;
const SETTLED_MS = 60_000;
const LOOK_MS = 500;
/**
 * The cadence that an edge itself chooses for an audience that grows by thousands per second. The space needs
 * FIRST_SOUND_MS of sound before listeners can join at that cadence.
 */
const CADENCE_S = "8";
const FIRST_SOUND_MS = 14_000;
const COMING = 18_000;
const QUICK = 2_000;
const AT_ONCE = 512;
/** A snapshot and a second of sound. */
const FLIGHT_BYTES = 4_000;
/** A seat's data channel accepts 20 messages per second. */
const MUTE_EVERY_MS = 60;
const ROUNDS = 3;
const AT_LEAST_PER_SECOND = 5_000;
const MUTE_AT_MOST_MS = 100;
const BACK_AT_MOST_MS = 2_000;

export const rush: Bench = {
  name: "rush",
  async run(context) {
    await using native = await buildNative();
    await using server = await startServer({ edges: 3, args: ["--cadence", CADENCE_S] });
    using live = await startLiveSpace(server, "A rush at the door");
    using guest = await inviteFakeSpeaker(server, live, "Ben", "ben");
    await using all = new AsyncDisposableStack();
    const path = ROUTES.listen(live.space.id);
    const door = new URL(server.doorUrl);
    const people = context.isQuick ? QUICK : INSIDE;
    const address = { host: door.hostname, port: Number(door.port), isTls: false };
    const crowd = all.use(startCrowd({ door: address, path, rendition: "32", visitsHome: false }, people, GENERATORS));
    const order = {
      port: address.port,
      path,
      flightBytes: FLIGHT_BYTES,
    };
    await context.pause(FIRST_SOUND_MS);
    crowd.send({ do: "people", people });
    await settled(crowd, people, context);
    const calm = await mutesWhile(live, context.pause(2_000));
    const storms: Storm[] = [];
    for (let round = 0; round < (context.isQuick ? 1 : ROUNDS); round++) {
      storms.push(await storm(native, order, { live: live, guest, crowd, context }));
      context.say(`rush: ${storms[round]?.joinsPerSecond.toFixed(0)} joins per second`);
    }
    return figuresOf(calm, storms);
  },
};

interface Scene {
  readonly live: LiveSpace;
  readonly guest: FakeSpeaker;
  readonly crowd: Crowd;
  readonly context: BenchContext;
}

interface Storm {
  readonly joinsPerSecond: number;
  readonly joinP95Ms: number;
  readonly mutesMs: readonly number[];
  readonly backMs: number;
  /** Among the listeners who were inside: waits for sound, and lost connections. */
  readonly gaps: number;
  readonly lost: number;
}

/** Waits until all `people` are playing. */
async function settled(crowd: Crowd, people: number, { pause, say }: BenchContext): Promise<void> {
  const endMs = systemClock.monotonicMs() + SETTLED_MS;
  while (crowd.report().standing.playing < people) {
    if (systemClock.monotonicMs() > endMs)
      throw new Error(`only ${crowd.report().standing.playing} of ${people} listeners play`);
    await pause(LOOK_MS);
  }
  say(`rush: ${people} listeners are inside`);
}

/** Joins a crowd, keeps it for a moment, and disconnects all of it at once. */
async function storm(
  native: Native,
  order: { readonly port: number; readonly path: string; readonly flightBytes: number },
  { live, guest, crowd, context }: Scene,
): Promise<Storm> {
  const before = crowd.report().counts;
  await using sink: Sink = native.startSink({ ...order, sockets: context.isQuick ? QUICK : COMING, atOnce: AT_ONCE });
  const joined = sink.allJoined();
  const back = comesBack(guest);
  // Both are awaited below; this avoids an unhandled rejection when the other fails first.
  for (const one of [joined, back]) one.catch(() => undefined);
  const mutesMs = await mutesWhile(live, Promise.all([joined, back]));
  const report = await joined;
  await context.pause(2_000);
  const after = crowd.report().counts;
  return {
    joinsPerSecond: report.joined / (report.joinSpanUs / 1e6),
    joinP95Ms: report.joinP95Us / 1_000,
    mutesMs,
    backMs: await back,
    gaps: after.gaps - before.gaps,
    lost: after.lostConnections - before.lostConnections,
  };
}

/**
 * Mutes and unmutes the host's seat until `over` settles. Returns the time of each command until it is acknowledged,
 * and so on disk.
 */
async function mutesWhile(live: LiveSpace, over: Promise<unknown>): Promise<number[]> {
  const tookMs: number[] = [];
  let isOver = false;
  const end = (): void => {
    isOver = true;
  };
  over.then(end, end);
  const { speaker } = live.host;
  for (let muted = true; !isOver || !muted; muted = !muted) {
    const fromMs = systemClock.monotonicMs();
    await speaker.command({ do: "mute", seat: speaker.seat, muted });
    tookMs.push(systemClock.monotonicMs() - fromMs);
    await new Promise((resolve) => systemClock.after(MUTE_EVERY_MS, () => resolve(undefined)));
  }
  await over;
  return tookMs;
}

/** Cuts the guest's connection; resolves with the milliseconds until the guest is seated again. */
async function comesBack(guest: FakeSpeaker): Promise<number> {
  const { connections } = guest;
  const fromMs = systemClock.monotonicMs();
  guest.speaker.close();
  await until("the speaker to be back", () => guest.connections > connections && guest.isSeated);
  return systemClock.monotonicMs() - fromMs;
}

function figuresOf(calm: readonly number[], storms: readonly Storm[]): Figure[] {
  const of = (value: (one: Storm) => number): number[] => storms.map(value);
  const mutesMs = storms.flatMap((one) => one.mutesMs);
  const joins = of((one) => one.joinsPerSecond);
  const joinsMs = of((one) => one.joinP95Ms);
  const backMs = of((one) => one.backMs);
  const gaps = of((one) => one.gaps);
  const lost = of((one) => one.lost);
  const row = (what: string, value: number, unit: string, more: Partial<Figure> = {}): Figure => ({
    what,
    value,
    unit,
    ...more,
  });
  const told = `${mutesMs.length} mutes, each timed until it is on disk and acknowledged`;
  return [
    row("joins per second in the rush", median(joins), "/s", {
      spread: joins,
      atLeast: AT_LEAST_PER_SECOND,
    }),
    row("time of a join in the rush, p95", median(joinsMs), "ms", { spread: joinsMs, atMost: 1_000 }),
    row("time of a mute before the rush, p99", quantile(calm, 0.99), "ms"),
    row("time of a mute in the rush, p50", quantile(mutesMs, 0.5), "ms"),
    row("time of a mute in the rush, p99", quantile(mutesMs, 0.99), "ms", { atMost: MUTE_AT_MOST_MS, note: told }),
    row("time until a dropped speaker is back in the rush, worst", Math.max(...backMs), "ms", {
      spread: backMs,
      atMost: BACK_AT_MOST_MS,
    }),
    row(
      "gaps of the listeners inside, all rounds",
      gaps.reduce((sum, one) => sum + one, 0),
      "",
      {
        spread: gaps,
        atMost: 0,
        note: `every slot of every listener is checked; connections lost: ${lost.join(", ")}`,
      },
    ),
  ];
}
