// Proves that a process is put before all else with every thread that it has and will have, and that where this is not
// allowed it goes on as it was and the reason is told. Where the machine these run on allows it not, the first says so by
// proving the second.

import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { pino } from "pino";
import { createPrecedence, goRealTime, isRealTime, mayGoRealTime, threadClasses } from "./realtime.ts";

test("every thread of a process goes before all else, those that begin later too; or none does, for a reason", async (t) => {
  const { child, pid } = await begin(t);
  const may = await mayGoRealTime();
  const standing = await goRealTime(pid);
  assert.deepEqual(
    standing,
    may.isRealTime ? may : { isRealTime: false, why: standing && "why" in standing && standing.why },
  );
  const threads = (await threadClasses(pid)).length;
  child.send("more");
  await once(child, "message");
  const all = await threadClasses(pid);
  assert.ok(all.length > threads || process.platform !== "linux");
  const expected = may.isRealTime ? { policy: 2, priority: 1 } : { policy: 0, priority: 0 };
  assert.deepEqual(
    new Set(all.map((one) => JSON.stringify(one))),
    new Set(all.length > 0 ? [JSON.stringify(expected)] : []),
  );
});

test("a chrt that is missing, refuses, hangs or lies leaves the process as it was, and is told", async (t) => {
  const { pid } = await begin(t);
  const before = await threadClasses(pid);
  const refusing = await program(t, "echo 'not by me' >&2; exit 1");
  const hanging = await program(t, "while :; do read -r line; done < /dev/zero");
  const lying = await program(t, "exit 0");
  const cases = [
    { chrt: `${refusing}-not`, says: /\(util-linux\) is not here$/ },
    { chrt: refusing, says: /^not by me$/ },
    { chrt: hanging, says: /did not end$/, patienceMs: 50 },
    { chrt: lying, says: /left threads out$/ },
  ];
  for (const { says, ...means } of cases) {
    const standing = await goRealTime(pid, means);
    if (process.platform === "linux") assert.match(standing?.isRealTime === false ? standing.why : "", says);
    assert.equal(standing?.isRealTime, false);
  }
  assert.deepEqual((await threadClasses(pid))[0], before[0]);
  assert.equal(await isRealTime(pid), false);
});

test("what only niceness holds for is told once at info, until it changes; with the setting off nothing is tried", async (t) => {
  const { pid } = await begin(t);
  const lines: { level: number; why?: string }[] = [];
  const log = pino({ level: "debug" }, { write: (line) => void lines.push(JSON.parse(line)) });
  const chrt = await program(t, "echo no >&2; exit 1");
  const precede = createPrecedence({ stageRealtime: "auto" }, log, { chrt });
  await precede(pid);
  await precede(pid);
  assert.deepEqual(
    lines.map(({ level, why }) => [level, why]),
    [[30, process.platform === "linux" ? "no" : "this system has none"]],
  );
  if ((await mayGoRealTime()).isRealTime) {
    await writeFile(chrt, '#!/bin/sh\nexec chrt "$@"\n');
    await precede(pid);
    assert.deepEqual([lines.length, lines[1]?.level, await isRealTime(pid)], [2, 20, true]);
  }
  const other = await begin(t);
  const count = lines.length;
  await createPrecedence({ stageRealtime: "off" }, log)(other.pid);
  assert.deepEqual([await isRealTime(other.pid), lines.length], [false, count]);
});

test("of a process that is gone nothing is told, and nothing thrown", async (t) => {
  const { child, pid } = await begin(t);
  child.kill("SIGKILL");
  await once(child, "exit");
  const lines: string[] = [];
  const log = pino({}, { write: (line) => void lines.push(line) });
  await createPrecedence({ stageRealtime: "auto" }, log)(pid);
  await createPrecedence({ stageRealtime: "auto" }, log)(undefined);
  assert.deepEqual([await isRealTime(pid), await threadClasses(pid)], [false, []]);
  if (process.platform === "linux") assert.deepEqual(lines, []);
});

/** A process like a role's, which starts threads of every kind that one has when it is told "more", and says when. */
async function begin(t: TestContext): Promise<{ child: ChildProcess; pid: number }> {
  const child = fork(join(import.meta.dirname, "../testing/threads-process.ts"), {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  t.after(() => child.kill("SIGKILL"));
  await once(child, "spawn");
  return { child, pid: child.pid as number };
}

async function program(t: TestContext, body: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "hustings-chrt-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "chrt");
  await writeFile(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return path;
}
