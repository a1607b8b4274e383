import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { PersonId } from "@hustings/wire/ids.ts";
import { MAX_HANDS, type NamedPerson } from "@hustings/wire/log/state.ts";
import { COOL_DOWN_MS, createHandLimits, HANDS_AT_ONCE, HANDS_PER_ADDRESS, HANDS_PER_SECOND } from "./hand-limits.ts";
import { createHeldLowerings, HAND_STAYS_UP_MS } from "./held-lowerings.ts";

const person = (number: number) => `g_${number}` as PersonId;
const hex = (number: number): string => number.toString(16);

/** A space whose people raise and lower hands, and the hands that are up. */
function space() {
  const clock = manualClock();
  const limits = createHandLimits(clock);
  let up: NamedPerson[] = [];
  const raise = (who: PersonId, address?: string): boolean => {
    if (up.some((one) => one.person === who)) return true;
    try {
      limits.raise(who, address, up);
      up.push({ person: who, name: "N" });
      return true;
    } catch (error) {
      assert.ok(error instanceof Refusal && error.code === "too-many-hands" && (error.retryAfterMs ?? 0) > 0);
      return false;
    }
  };
  const drop = (who: PersonId) => {
    up = up.filter((one) => one.person !== who);
  };
  const lower = (who: PersonId, by: "self" | "host" = "self") => {
    if (!up.some((one) => one.person === who)) return;
    drop(who);
    limits.lowered(who, by);
  };
  return { clock, raise, lower, drop, count: () => up.length };
}

test("one address holds up to ten hands, however many people it has, and another address is not held up", () => {
  const { clock, raise, count } = space();
  for (let n = 0; n < 110; n++) raise(person(n), "192.0.2.1");
  assert.equal(count(), HANDS_PER_ADDRESS);
  clock.advance(600_000);
  assert.equal(raise(person(200), "192.0.2.1"), false, "hands that are up count for as long as they are");
  assert.equal(raise(person(201), "192.0.2.2"), true);
});

test("a /64 holds ten hands, a /56 twenty and a /48 forty, so that no customer fills the queue", () => {
  for (const [expected, addressOf] of [
    [10, (n: number) => `2001:db8:1:2::${hex(n + 1)}`],
    [20, (n: number) => `2001:db8:1:${hex(n % 256)}::1`],
    [40, (n: number) => `2001:db8:1:${hex(n * 7)}::1`],
  ] as const) {
    const { clock, raise, count } = space();
    for (let n = 0; n < 1_000; n++) {
      raise(person(n), addressOf(n));
      clock.advance(1_000);
    }
    assert.equal(count(), expected);
    assert.ok(expected < MAX_HANDS / 2);
  }
});

test("a lowered hand goes up again only after its cool-down, and counts as one of its address until then", () => {
  for (const by of ["self", "host"] as const) {
    const { clock, raise, lower } = space();
    for (let n = 0; n < HANDS_PER_ADDRESS; n++) raise(person(n), "192.0.2.1");
    lower(person(0), by);
    clock.advance(COOL_DOWN_MS[by] - 1);
    assert.equal(raise(person(0), "192.0.2.9"), false, "from any address");
    assert.equal(raise(person(50), "192.0.2.1"), false, "nor another person of the address");
    clock.advance(1);
    assert.equal(raise(person(0), "192.0.2.1"), true);
  }
});

test("a hand that an invitation lowered makes room for another of its address at once", () => {
  const { raise, drop } = space();
  for (let n = 0; n < HANDS_PER_ADDRESS; n++) raise(person(n), "192.0.2.1");
  drop(person(3));
  assert.equal(raise(person(50), "192.0.2.1"), true);
});

test("a space takes a bounded rate of hands, however many people and addresses take part", () => {
  const { clock, raise, lower } = space();
  let raised = 0;
  const seconds = 300;
  for (let second = 0; second < seconds; second++) {
    for (let n = 0; n < 200; n++) {
      const who = person(second * 200 + n);
      if (!raise(who, `10.${second & 255}.${n}.1`)) continue;
      raised += 1;
      lower(who);
    }
    clock.advance(1_000);
  }
  assert.ok(raised <= HANDS_AT_ONCE + seconds * HANDS_PER_SECOND, `${raised} raised in ${seconds} s`);
});

test("a hand that is lowered and raised again within two seconds is not lowered at all", () => {
  const clock = manualClock();
  const held = createHeldLowerings(clock);
  let lowered = 0;
  held.raised(person(1));
  for (let press = 0; press < 5; press++)
    assert.equal(
      held.hold(person(1), () => lowered++),
      true,
    );
  clock.advance(HAND_STAYS_UP_MS - 1);
  assert.equal(held.cancel(person(1)), true);
  assert.equal(held.cancel(person(1)), false);
  clock.advance(60_000);
  assert.deepEqual([lowered, clock.waitingCount], [0, 0]);
});

test("a hand that stays lowered goes down once after two seconds, or at once when it has been up that long", () => {
  const clock = manualClock();
  const held = createHeldLowerings(clock);
  let lowered = 0;
  held.raised(person(1));
  held.raised(person(2));
  for (let press = 0; press < 5; press++) held.hold(person(1), () => lowered++);
  clock.advance(HAND_STAYS_UP_MS);
  assert.equal(lowered, 1);
  assert.equal(
    held.hold(person(2), () => assert.fail()),
    false,
  );
  assert.equal(
    held.hold(person(3), () => assert.fail()),
    false,
    "a hand from before this stage started",
  );
});

test("closing lowers every hand that is held up", () => {
  const clock = manualClock();
  const held = createHeldLowerings(clock);
  let lowered = 0;
  for (let n = 0; n < 1_000; n++) held.raised(person(n));
  held.hold(person(999), () => lowered++);
  held.close();
  assert.deepEqual([lowered, clock.waitingCount], [1, 0]);
});
