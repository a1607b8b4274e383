import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { openStore } from "../account/browser-store.ts";
import { noteSeat, takeSeatNote } from "./resume.ts";

const KEY = "hustings.seat.0123456789";
const LEFT_MS = 1_700_000_000_000;
const blocked = () => {
  throw new DOMException("blocked", "SecurityError");
};
let store: ReturnType<typeof openStore>;

beforeEach(() => {
  store = openStore(blocked);
  noteSeat(KEY, LEFT_MS, store);
});

test("a reload within seconds takes the seat again, once", () => {
  const load = { isReload: true, beganUtcMs: LEFT_MS + 2_000 };
  assert.equal(takeSeatNote(KEY, load, store), true);
  assert.equal(takeSeatNote(KEY, load, store), false);
});

test("a reload counts whose loading began before the old page went away", () => {
  assert.equal(takeSeatNote(KEY, { isReload: true, beganUtcMs: LEFT_MS - 3_000 }, store), true);
});

test("a later reload, a link to the space and a restored tab need a tap", () => {
  for (const load of [
    { isReload: true, beganUtcMs: LEFT_MS + 90_000 },
    { isReload: true, beganUtcMs: LEFT_MS - 90_000 },
    { isReload: false, beganUtcMs: LEFT_MS + 2_000 },
  ]) {
    noteSeat(KEY, LEFT_MS, store);
    assert.equal(takeSeatNote(KEY, load, store), false);
  }
});

test("a page that held no seat needs a tap, and so does one with a damaged note", () => {
  const load = { isReload: true, beganUtcMs: LEFT_MS };
  assert.equal(takeSeatNote("hustings.seat.abcdefghjk", load, store), false);
  store.setItem(KEY, "taken");
  assert.equal(takeSeatNote(KEY, load, store), false);
});
