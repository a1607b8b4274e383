import assert from "node:assert/strict";
import { test } from "node:test";
import { permissionsOf } from "./permissions.ts";

test("gives a speaker and a listener none of the host's permissions", () => {
  for (const [permission, isAllowed] of Object.entries(permissionsOf("host"))) {
    assert.equal(isAllowed, true, permission);
    for (const role of ["speaker", undefined] as const)
      assert.equal(permissionsOf(role)[permission as keyof ReturnType<typeof permissionsOf>], false, permission);
  }
});
