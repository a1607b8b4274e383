// Proves what doctor says of kernel settings, on made-up values.

import assert from "node:assert/strict";
import { test } from "node:test";
import { checkKernel, KERNEL_SETTINGS } from "./kernel.ts";

const of = (path: string, text: string | undefined) => {
  const setting = KERNEL_SETTINGS.find((one) => one.path === path);
  assert.ok(setting);
  return checkKernel(setting, async () => text);
};

test("a setting that is enough is well, as is one that the system does not have", async () => {
  assert.equal((await of("net.core.somaxconn", "16384")).verdict, "ok");
  assert.equal((await of("net.netfilter.nf_conntrack_max", undefined)).verdict, "ok");
  assert.equal((await of("net.ipv4.ip_local_port_range", "32768\t60999")).verdict, "ok");
  assert.equal((await of("net.ipv4.tcp_mem", "288849\t385134\t577698")).verdict, "ok");
});

test("one that is too small is noted with what it is for, and the command that sets it", async () => {
  const { verdict, what, mend } = await of("net.core.somaxconn", "128");
  assert.deepEqual([verdict, mend], ["note", "sysctl -w net.core.somaxconn=16384"]);
  assert.match(what, /^128 \(.*wait at the door/);
  assert.equal(
    (await of("net.ipv4.tcp_mem", "99\t200000\t99")).mend,
    'sysctl -w net.ipv4.tcp_mem="100000 200000 250000"',
  );
  assert.equal(
    (await of("net.ipv4.ip_local_port_range", "50000 60999")).mend,
    'sysctl -w net.ipv4.ip_local_port_range="32768 60000"',
  );
});

test("every setting of the table says what it is for", async () => {
  for (const { path } of KERNEL_SETTINGS) assert.match((await of(path, "0")).what, /^0 \(.{20,}\)$/);
});
