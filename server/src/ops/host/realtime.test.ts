import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { pino } from "pino";
import { createPrecedence, goRealTime, isRealTime, mayGoRealTime, threadClasses } from "./realtime.ts";

test("puts every thread of a process into the real-time class, later ones too; or none, with a reason", async (t) => {
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

test("leaves the process as it was and reports it when chrt is missing, refuses, hangs or lies", async (t) => {
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

test("logs once at info that only niceness applies, until that changes; with the setting off tries nothing", async (t) => {
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

test("logs and throws nothing for a process that is gone", async (t) => {
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

/** A process that, on the message "more", starts every kind of thread that a role has, and reports when they run. */
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
