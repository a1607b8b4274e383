import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { DrillRecord } from "../record/drill-record.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

test("hustings drill smoke with fifty listeners writes a report page and a record with the effect of each fault", async () => {
  const directory = await mkdtemp(join(tmpdir(), "hustings-drill-test-"));
  try {
    const out = join(directory, "report");
    const { output } = await hustings([
      "drill",
      "smoke",
      "--listeners",
      "50",
      "--minutes",
      "0.75",
      "--edges",
      "2",
      "--out",
      out,
    ]);
    assert.match(output, /listening/);
    const record = JSON.parse(await readFile(join(out, "report.json"), "utf8")) as DrillRecord & { what: string };
    const { counts } = record.final;
    assert.match(
      record.what,
      /^32 kb\/s · 1 s cadence, fixed · no TLS · loopback · listeners and server on the same machine$/,
    );
    assert.deepEqual(
      [counts.joins >= 50, counts.failedJoins, counts.missingSlots, counts.badFrames],
      [true, 0, 0, 0],
      output,
    );
    assert.ok(counts.firstSounds >= 50 && counts.checkedSlots > 50 * 30);
    assert.deepEqual(
      record.faults.map(({ kind }) => kind),
      ["drop-moderator", "stall-readers", "kill-edge", "kill-stage"],
    );
    const [, , killed] = record.faults;
    assert.ok(killed && killed.disconnected > 0 && killed.recovered === killed.disconnected, JSON.stringify(killed));
    assert.ok(record.samples.some(({ roles }) => (roles.edge?.residentBytes ?? 0) > 0));
    const page = await readFile(join(out, "report.html"), "utf8");
    assert.match(page, /A rehearsal, not a GO/);
    assert.doesNotMatch(page, /<script|https?:\/\/(?!127)|NaN|undefined|Infinity/);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test("names all mistakes in the arguments at once and starts nothing", async () => {
  const { status, output } = await hustings([
    "drill",
    "--listeners",
    "0",
    "--cadence",
    "3",
    "--rendition",
    "64",
    "--minutes",
    "x",
  ]);
  assert.equal(status, 2);
  for (const mistake of [
    "Name a scenario",
    "--listeners must be",
    "--cadence must be",
    "--rendition must be",
    "--minutes must be",
  ])
    assert.ok(output.includes(mistake), mistake);
});

test("explains an invalid and an unknown scenario", async () => {
  const path = join(tmpdir(), `hustings-${process.pid}.json`);
  await writeFile(path, JSON.stringify({ name: "x", curve: [] }));
  try {
    const { status, output } = await hustings(["drill", path]);
    assert.equal(status, 1);
    assert.match(output, /curve needs at least two points/);
    assert.match((await hustings(["drill", "no-such"])).output, /Built in are 2023-05-24, exit-storm, and smoke/);
  } finally {
    await rm(path);
  }
});

test("refuses to drill a deployment without a terminal or --yes", async () => {
  const { status, output } = await hustings(["drill", "smoke", "--target", "http://127.0.0.1:1"]);
  assert.equal(status, 1);
  assert.match(output, /up to 300 listeners to http:\/\/127\.0\.0\.1:1 for 1 minutes\. Give --yes/);
});

async function hustings(args: readonly string[]): Promise<{ readonly status: number | null; readonly output: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (output += String(bytes)));
  const [status] = (await once(child, "close")) as [number | null];
  return { status, output };
}
