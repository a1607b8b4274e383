import assert from "node:assert/strict";
import { test } from "node:test";
import { guestIdFrom } from "../ids.ts";
import { roleIn } from "./roles.ts";
import { EMPTY_STATE, foldAll, type StateChange } from "./state.ts";

const [HOST, SPEAKER, LISTENER] = [1, 2, 3].map((number) => guestIdFrom(new Uint8Array(16).fill(number)));

test("the role of a person follows from the state", () => {
  assert.ok(HOST && SPEAKER && LISTENER);
  const changes: StateChange[] = [
    { kind: "created", id: "0123456789" as never, title: "T", host: HOST, hostName: "H", originUtcMs: 0 },
    { kind: "seated", seat: 1, person: SPEAKER, name: "S", role: "speaker" },
  ];
  const state = foldAll(changes.map((change, index) => ({ ...change, seq: index + 1, slot: 0, utcMs: 0 })));
  assert.deepEqual(
    [HOST, SPEAKER, LISTENER, undefined].map((person) => roleIn(state, person)),
    ["host", "speaker", undefined, undefined],
  );
  assert.equal(roleIn(EMPTY_STATE, HOST), undefined);
});
