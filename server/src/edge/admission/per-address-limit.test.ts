import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { errorRow } from "@hustings/wire/errors.ts";
import { type AddressCount, createPerAddressLimit, limitConnections } from "../../http/per-address-limit.ts";
import { networkOf } from "../../ops/address-block.ts";
import { SPACE } from "../../replica/testing/fake-upstream.ts";
import { advanceUntil, listen, startFixture } from "../testing/edge-fixture.ts";

test("limits each address and frees what it gives back, and forgets an address that has nothing", () => {
  const limit = createPerAddressLimit(2);
  const shares = [limit.enter("192.0.2.1"), limit.enter("192.0.2.1")] as [AddressCount, AddressCount];
  assert.equal(limit.enter("192.0.2.1"), undefined);
  assert.ok(limit.enter("192.0.2.2"));
  limit.leave(shares[0]);
  assert.ok(limit.enter("192.0.2.1"));
  assert.equal(limit.size, 2);
  for (const share of shares) limit.leave(share);
  assert.equal(limit.size, 1);
});

test("closes a listener over its address's limit with a retry time, and still admits other addresses", async () => {
  await using fixture = await startFixture({ limits: { listenersPerAddress: 2 }, trustedProxies: ["127.0.0.1"] });
  const { clock, edge, stage } = fixture;
  await stage.create(SPACE);
  const from = (address?: string) =>
    listen(edge.port, `/listen/${SPACE}`, "hustings.1", address === undefined ? {} : { "x-forwarded-for": address });
  const first = [from("192.0.2.1"), from("192.0.2.1")];
  await advanceUntil(clock, () => first.every(({ got }) => got.length > 0));
  const third = await from("192.0.2.1").closed();
  assert.deepEqual([third.code, third.reason], [4430, `${errorRow("address-full").what} retry-after-ms=10000`]);
  const others = [from("192.0.2.2"), from("2001:db8::1"), from("2001:db8::2"), from(), from(), from()];
  await advanceUntil(clock, () => others.every(({ got }) => got.length > 0));
  assert.equal((await from("2001:db8::3").closed()).code, 4430, "of the same /64");
  for (const { socket } of first) socket.close();
  await advanceUntil(clock, () => edge.listeners === others.length);
  const again = from("192.0.2.1");
  await advanceUntil(clock, () => again.got.length > 0);
});

test("limits connections of one address that send nothing, and closes further ones on accept", () => {
  const server = new EventEmitter();
  const limit = limitConnections(server as never, 3, (peer) => (peer === "127.0.0.1" ? undefined : networkOf(peer)));
  const from = (remoteAddress: string) => {
    const socket = Object.assign(new EventEmitter(), { remoteAddress, isCut: false, destroy: () => cut() });
    const cut = (): void => {
      socket.isCut = true;
    };
    server.emit("connection", socket);
    return socket;
  };
  const all = Array.from({ length: 5 }, (_, i) => from(`2001:db8::${i}`));
  assert.deepEqual(
    all.map(({ isCut }) => isCut),
    [false, false, false, true, true],
  );
  for (let count = 0; count < 10; count++) assert.equal(from("127.0.0.1").isCut, false);
  assert.equal(from("192.0.2.1").isCut, false);
  for (const socket of all) socket.emit("close");
  assert.equal(limit.size, 1);
  assert.equal(from("2001:db8::9").isCut, false);
});
