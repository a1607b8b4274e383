// A full edge believes a listener that it waited or listened before only if an edge has signed that.

import assert from "node:assert/strict";
import { test } from "node:test";
import { SPACE } from "../../replica/testing/fake-upstream.ts";
import { listen, startFixture } from "../testing/edge-fixture.ts";

const SECRET = new Uint8Array(32).fill(5);
const FULL = { placesSecret: SECRET, limits: { listeners: 1, returning: 1 } };

type Far = ReturnType<typeof listen>;

const hasSnapshot = ({ got }: Far) => got.some(({ kind }) => kind === "snapshot");
const noticesOf = ({ got }: Far) => got.flatMap((one) => (one.kind === "notice" ? [one.notice] : []));
const placeOf = (far: Far) => noticesOf(far).findLast((notice) => notice.kind === "waiting")?.place;
const claimOf = (far: Far) =>
  noticesOf(far)
    .flatMap((notice) => ("claim" in notice && notice.claim !== undefined ? [notice.claim] : []))
    .at(-1);

async function startFullEdge() {
  const fixture = await startFixture(FULL);
  await fixture.stage.create(SPACE);
  const inside = listen(fixture.edge.port);
  await inside.until(() => claimOf(inside) !== undefined && hasSnapshot(inside));
  return { ...fixture, inside, [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose]() };
}

test("a cursor without a claim, or with a forged one, waits behind everybody else", async () => {
  await using fixture = await startFullEdge();
  const { port } = fixture.edge;
  const ann = listen(port);
  await ann.until(() => placeOf(ann) === 1);
  const claim = claimOf(ann) as string;
  const forged = `${claim.slice(0, -1)}${claim.endsWith("A") ? "B" : "A"}`;
  let place = 2;
  for (const query of [
    "next=1",
    "since=1",
    `next=1&p=${forged}`,
    `p=${forged}`,
    `next=1&p=${claim}`.replace("p=w", "p=l"),
  ]) {
    const far = listen(port, `/listen/${SPACE}?${query}`);
    await far.until(() => placeOf(far) !== undefined);
    assert.equal(placeOf(far), place++, query);
  }
  assert.equal(placeOf(ann), 1);
});

test("a listener that an edge has confirmed enters a full edge of the same server, as one connection only", async () => {
  await using first = await startFullEdge();
  await using other = await startFullEdge();
  const claim = claimOf(first.inside) as string;
  const path = `/listen/${SPACE}?next=0&p=${claim}`;
  const back = listen(other.edge.port, path);
  await back.until(() => hasSnapshot(back));
  assert.equal(placeOf(back), undefined, "it did not wait");
  const again = listen(other.edge.port, path);
  await back.closed();
  await again.until(() => hasSnapshot(again) || placeOf(again) !== undefined);
  assert.ok(other.edge.listeners <= 3);
  const newcomer = listen(other.edge.port, `/listen/${SPACE}?p=${claim}`);
  await newcomer.until(() => placeOf(newcomer) !== undefined);
});

test("a waiter regains its position after a disconnection, and newcomers stay behind it", async () => {
  await using fixture = await startFullEdge();
  const { edge, clock } = fixture;
  const ann = listen(edge.port);
  await ann.until(() => placeOf(ann) === 1);
  clock.advance(100);
  const ben = listen(edge.port);
  await ben.until(() => placeOf(ben) === 2);
  const claim = claimOf(ann) as string;
  ann.socket.close();
  await ann.closed();
  const back = listen(edge.port, `/listen/${SPACE}?p=${claim}`);
  await back.until(() => placeOf(back) !== undefined);
  assert.equal(placeOf(back), 1);
});
