import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyCounts } from "../record/crowd-report.ts";
import type { DrillRecord } from "../record/drill-record.ts";
import { judge } from "./verdict.ts";

const EXIT = { atSeconds: 10, overSeconds: 5, share: 0.95, visitsHome: true };

function recordOf(counts: Partial<ReturnType<typeof emptyCounts>>, more: object = {}): DrillRecord {
  const sample = {
    atSeconds: 5,
    people: 100,
    playing: 100,
    gaps: 3,
    generatorLateMs: 0,
    machineStolen: 0.2,
    roles: {},
  };
  return {
    isAborted: false,
    unexpectedDisconnects: 0,
    faults: [],
    machine: { cores: 2 },
    samples: [sample, { ...sample, atSeconds: 12, people: 20, gaps: 0, machineStolen: 0.4 }],
    scenario: {
      curve: [{ atSeconds: 0, people: 100 }],
      exit: EXIT,
      allowed: { gapsPerThousand: 0, cuts: 0, failedJoins: 0, failedVisits: 2 },
    },
    final: {
      counts: { ...emptyCounts(), firstSounds: 100, ...counts },
      homeMs: [
        [0, 60],
        [4, 33],
      ],
    },
    ...more,
  } as unknown as DrillRecord;
}

test("fails when more leaving listeners than allowed got no home page", () => {
  assert.deepEqual(judge(recordOf({ homeRequests: 95, homePages: 93, homeFailed: 1 })).failures, []);
  const { passed, failures } = judge(recordOf({ homeRequests: 95, homePages: 92, homeFailed: 1 }));
  assert.deepEqual([passed, failures], [false, ["3 listeners who left did not get the home page."]]);
});

test("reports the home pages of leaving listeners and the gaps of the others", () => {
  const { remarks } = judge(recordOf({ homeRequests: 95, homePages: 93 }));
  assert.deepEqual(remarks, [
    "93 of 95 listeners who left got the home page, p50 less than 10 ms and p99 40 ms after leaving. The listeners who stayed had 0 gaps after that.",
  ]);
});

test("reports the stage's tick beside the bare timer and the time taken by the host", () => {
  const tick = { p50: 0.1, p99: 4, p999: 28.04 };
  const bareTick = { p50: 0.1, p99: 3, p999: 12.3 };
  const [both] = judge(recordOf({}, { tick, bareTick })).remarks;
  assert.equal(
    both,
    "Stage tick p99.9 28.0 ms; a bare timer on the same machine 12.3 ms; processor time taken by the virtual machine's host 30.0 %, 40.0 % in the worst second.",
  );
  assert.match(judge(recordOf({}, { tick })).remarks[0] ?? "", /^Stage tick p99\.9 28\.0 ms; processor time/);
  assert.deepEqual(judge(recordOf({})).remarks, []);
});
