import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { BadKeyFile } from "./keys.ts";
import { loadOrCreateSecret } from "./shared-secret.ts";

test("concurrent callers get one secret, readable by its owner only; a damaged file is named in the error", async () => {
  const directory = await mkdtemp(join(tmpdir(), "hustings-secret-"));
  try {
    const secrets = await Promise.all(Array.from({ length: 8 }, () => loadOrCreateSecret(directory, "session")));
    secrets.push(await loadOrCreateSecret(directory, "session"));
    assert.equal(new Set(secrets.map((one) => one.toString("hex"))).size, 1);
    assert.equal(secrets[0]?.length, 32);
    assert.deepEqual(await readdir(join(directory, "keys")), ["session"]);
    assert.equal((await stat(join(directory, "keys", "session"))).mode & 0o777, 0o600);
    assert.notDeepEqual(await loadOrCreateSecret(directory, "places"), secrets[0]);
    await writeFile(join(directory, "keys", "session"), "short");
    await assert.rejects(loadOrCreateSecret(directory, "session"), BadKeyFile);
  } finally {
    await rm(directory, { recursive: true });
  }
});
