// The operator's commands on a running server: `hustings space`.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { ErrorBody } from "../../wire/errors.ts";
import type { SpaceList } from "../../wire/listen/room-document.ts";
import { ROUTES } from "../../wire/routes.ts";
import { startLiveSpace } from "../testing/fake-speaker.ts";
import { startServer } from "../testing/running-server.ts";
import { PATIENCE_MS, until } from "../testing/until.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

function space(dataDir: string, ...args: readonly string[]) {
  const command = [MAIN, "space", ...args, "--data", dataDir];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: "utf8", timeout: PATIENCE_MS });
  return { status, stdout, stderr };
}

const statusOf = async (url: string): Promise<number> => {
  const response = await fetch(url);
  await response.body?.cancel();
  return response.status;
};

test("the operator lists, ends and deletes a live space, and its recording goes with it", async () => {
  await using server = await startServer({ edges: 1 });
  using live = await startLiveSpace(server, "An evening");
  const { id } = live.space;
  const recording = server.doorUrl + ROUTES.recording(id);
  await until("a recording", async () => (await statusOf(recording)) === 200);
  const listed = space(server.dataDir, "list");
  assert.match(listed.stdout, new RegExp(`^${id}  live +1 +0  .*An evening$`, "m"));
  const refused = space(server.dataDir, "delete", id);
  assert.deepEqual([refused.status, refused.stderr], [1, "The space is live: end it first.\n"]);

  assert.equal(space(server.dataDir, "end", live.space.url).status, 0);
  const shown = JSON.parse(space(server.dataDir, "show", id, "--json").stdout);
  assert.deepEqual([shown.phase, shown.endedBy, shown.title], ["ended", "operator", "An evening"]);
  assert.equal(space(server.dataDir, "list").stdout, "There is no space.\n");
  assert.match(space(server.dataDir, "list", "--all").stdout, new RegExp(id));
  assert.equal(await statusOf(recording), 200, "the recording stays");

  assert.equal(space(server.dataDir, "delete", id).status, 0);
  assert.equal(await statusOf(recording), 404);
  await assert.rejects(access(join(server.dataDir, "spaces", id)));
  await until("the page to be gone", async () => (await statusOf(server.doorUrl + ROUTES.page(id))) === 404);
  assert.match(space(server.dataDir, "show", id).stderr, /no space/i);
});

test("where nobody may open spaces the operator still does, and replaces a lost host link", async () => {
  await using server = await startServer({ edges: 1, args: ["--open-spaces", "nobody"] });
  const refused = await fetch(server.doorUrl + ROUTES.spaces, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ title: "Mine" }),
  });
  assert.deepEqual([refused.status, ((await refused.json()) as ErrorBody).error], [403, "opening-closed"]);
  const list = (await (await fetch(server.doorUrl + ROUTES.spaces)).json()) as SpaceList;
  assert.equal(list.openSpaces, "nobody");

  const opened = space(server.dataDir, "open", "Town hall", "--name", "Ada").stdout;
  const [, link = ""] = /The link: +(\S+)/.exec(opened) ?? [];
  const [, first = ""] = /#host=(\S+)/.exec(opened) ?? [];
  const id = link.slice(-10) as Parameters<typeof ROUTES.tickets>[0];
  const ticketFor = (secret: string) =>
    fetch(server.doorUrl + ROUTES.tickets(id), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ secret }),
    });
  assert.equal((await ticketFor(first)).status, 200);
  const [, second = ""] = /#host=(\S+)/.exec(space(server.dataDir, "host-link", id).stdout) ?? [];
  assert.equal((await ticketFor(first)).status, 401);
  assert.equal((await ticketFor(second)).status, 200);
});

test("names what is missing when no server runs, and refuses what is no space", () => {
  assert.match(space("no-such-directory", "list").stderr, /^No server runs on .*no-such-directory/);
  assert.match(space("no-such-directory", "end", "nonsense!").stderr, /^"nonsense!" is not the id or the link/);
  assert.match(space("no-such-directory").stderr, /^Say what to do with a space: list, open/);
});
