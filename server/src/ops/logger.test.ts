import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { lineForPeople } from "./logger.ts";

const LOG = new URL("./logger.ts", import.meta.url).href;

test("a line has the time, the process, the level, the message, its fields and the cause", () => {
  const time = new Date(2026, 4, 24, 18, 3, 4).getTime();
  const fields = {
    level: 40,
    time,
    role: "edge 1",
    pid: 7,
    port: 8080,
    why: "x y",
    err: { message: "It broke.\nBadly." },
  };
  assert.equal(
    lineForPeople(JSON.stringify({ ...fields, msg: "A door is shut." })),
    "18:03:04 edge 1   warning: A door is shut. (port=8080, why=x y) It broke. Badly.\n",
  );
});

test("leaves out secrets and tickets at every depth, in both formats", () => {
  for (const format of ["json", "lines"]) {
    const script = `
      const { createLogger } = await import(${JSON.stringify(LOG)});
      const log = createLogger({ role: "api", level: "info", format: "${format}" });
      log.info({ secret: "hush1", a: { ticket: "hush2", b: { pass: "hush3" } }, port: 1 }, "Said.");`;
    const { stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    assert.match(stderr, /Said/);
    assert.ok(!stderr.includes("hush"), stderr);
  }
});
