// The threads of the WebRTC library carry the speakers' packets, so they need the stage's class (docs/decisions/0015).

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { isRealTime, mayGoRealTime, threadClasses } from "../../server/src/ops/host/realtime.ts";
import { goOnAir } from "../testing/on-air.ts";
import { startServer } from "../testing/running-server.ts";
import { until } from "../testing/until.ts";
import { voice } from "../testing/voices.ts";

/** Names that libdatachannel, libjuice and usrsctp give their threads; the kernel keeps 15 letters. */
const LIBRARY_THREADS = /^(?:RTC worker|SCTP|juice)/;

test("the WebRTC library's threads are in the stage's class from the first speaker on, and are as few for the second", async () => {
  await using server = await startServer({ edges: 1 });
  const pid = await server.pidOf("stage");
  const { isRealTime: isAllowed } = await mayGoRealTime();
  if (isAllowed) await until("the stage to be in the real-time class", () => isRealTime(pid));
  using _first = await goOnAir(server, "One speaker", voice("anna"));
  const areKnown = process.platform === "linux";
  await until("the library's threads", async () => !areKnown || (await libraryThreads(pid)).length > 0);
  const count = (await libraryThreads(pid)).length;
  const expected = isAllowed ? { policy: 2, priority: 1 } : { policy: 0, priority: 0 };
  const assertClasses = async (): Promise<void> => {
    for (const one of await threadClasses(pid)) assert.deepEqual(one, expected);
  };
  await assertClasses();
  using _second = await goOnAir(server, "Another speaker", voice("ben"));
  await assertClasses();
  assert.equal((await libraryThreads(pid)).length, count);
});

async function libraryThreads(pid: number): Promise<readonly string[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const names = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/comm`, "utf8").catch(() => "")),
  );
  return names.map((name) => name.trim()).filter((name) => LIBRARY_THREADS.test(name));
}
