import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { capacityLine, edgeBudget, edgesFor, mostListeners, readDescriptorLimit } from "./listener-budget.ts";

const machineBytes = 24 * 1024 ** 3;

test("20,000 descriptors hold 19,000 listeners and a reserve for returning listeners, the queue and requests", () => {
  const budget = edgeBudget({ listenersPerEdge: 100_000, edges: 5, descriptors: 20_000, machineBytes });
  assert.equal(budget.listeners, 19_000);
  assert.ok(budget.returning > 200 && budget.queued > 300, JSON.stringify(budget));
  assert.ok(budget.connections <= 20_000 - 100);
});

test("with any limits, every allowed connection has a descriptor and at least one listener is allowed", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 256, max: 2_000_000 }),
      fc.integer({ min: 1, max: 1_000_000 }),
      (descriptors, most) => {
        const budget = edgeBudget({ listenersPerEdge: most, edges: 3, descriptors, machineBytes });
        assert.ok(budget.listeners >= 1 && budget.listeners <= most);
        assert.ok(budget.listeners + budget.returning + budget.queued < budget.connections);
        assert.ok(descriptors < 500 || budget.connections < descriptors, `${JSON.stringify(budget)} of ${descriptors}`);
      },
    ),
  );
});

test("one address may hold an eighth of an edge, at least 200, or what the operator sets", () => {
  const of = (listenersPerEdge: number, listenersPerAddress?: number) =>
    edgeBudget({ listenersPerEdge, listenersPerAddress, edges: 5, descriptors: 20_000, machineBytes })
      .listenersPerAddress;
  assert.deepEqual([of(100_000), of(300), of(300, 7)], [2_375, 200, 7]);
});

test("fewer listeners per edge leave room for a longer queue", () => {
  const of = (listenersPerEdge: number) =>
    edgeBudget({ listenersPerEdge, edges: 5, descriptors: 20_000, machineBytes }).queued;
  assert.ok(of(15_000) > 1_900 && of(19_000) < 500);
});

test("names the number of edges that an audience needs", async () => {
  const basis = { listenersPerEdge: 100_000, descriptors: 20_000 };
  assert.equal(edgesFor(95_000, basis), 5);
  assert.equal(mostListeners(undefined), Number.MAX_SAFE_INTEGER);
  assert.equal(
    capacityLine({ ...basis, edges: 2 }),
    "2 edges hold 38,000 listeners, 19,000 each; for 100,000 start with --edges 6",
  );
  assert.equal(capacityLine({ ...basis, edges: 6 }), "6 edges hold 114,000 listeners, 19,000 each");
  if (process.platform === "linux") assert.ok(Number(await readDescriptorLimit()) > 0);
});
