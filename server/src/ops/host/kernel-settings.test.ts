// Proves what doctor says of kernel settings, on made-up values.

import assert from "node:assert/strict";
import { test } from "node:test";
import { checkKernel, kernelNotes, kernelSettings } from "./kernel-settings.ts";

const SETTINGS = kernelSettings(100_000);

const of = (path: string, text: string | undefined) => {
  const setting = SETTINGS.find((one) => one.path === path);
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
    (await of("net.ipv4.tcp_mem", "99\t400000\t99")).mend,
    'sysctl -w net.ipv4.tcp_mem="200000 400000 400000"',
  );
  assert.equal(
    (await of("net.ipv4.ip_local_port_range", "50000 60999")).mend,
    'sysctl -w net.ipv4.ip_local_port_range="32768 60000"',
  );
});

test("one that is too large for so many connections is noted too, and left alone for few", async () => {
  const { verdict, mend } = await of("net.ipv4.tcp_wmem", "4096\t16384\t4194304");
  assert.deepEqual([verdict, mend], ["note", 'sysctl -w net.ipv4.tcp_wmem="4096 16384 262144"']);
  assert.equal((await of("net.ipv4.tcp_wmem", "4096\t16384\t262144")).verdict, "ok");
  assert.equal(
    (await of("net.ipv4.tcp_wmem", "4096\t16384\t65536")).mend,
    'sysctl -w net.ipv4.tcp_wmem="4096 16384 131072"',
  );
  const few = kernelSettings(1_000).find(({ path }) => path === "net.ipv4.tcp_wmem");
  assert.ok(few);
  assert.equal((await checkKernel(few, async () => "4096\t16384\t4194304")).verdict, "ok");
});

test("pages of their own are asked for where many may stall at once, and for few they are not", async () => {
  const { verdict, mend } = await of("net.core.high_order_alloc_disable", "0");
  assert.deepEqual([verdict, mend], ["note", "sysctl -w net.core.high_order_alloc_disable=1"]);
  assert.ok(kernelSettings(1_000).every(({ path }) => path !== "net.core.high_order_alloc_disable"));
});

test("every setting of the table says what it is for", async () => {
  for (const { path } of SETTINGS) assert.match((await of(path, "0")).what, /^0 \(.{20,}\)$/);
});

test("more connections need more memory, and what is missing is said with its command", async () => {
  const read = async (path: string) => (path === "net.ipv4.tcp_mem" ? "287901\t383868\t575802" : undefined);
  assert.deepEqual(await kernelNotes(100_000, read), []);
  const notes = await kernelNotes(190_000, read);
  assert.equal(notes.length, 1);
  assert.match(notes[0] as string, /^net\.ipv4\.tcp_mem: .*sysctl -w net\.ipv4\.tcp_mem="380000 570000 760000"$/);
});
