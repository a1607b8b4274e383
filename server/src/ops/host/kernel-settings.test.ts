import assert from "node:assert/strict";
import { test } from "node:test";
import { checkKernel, kernelNotes, kernelSettings } from "./kernel-settings.ts";

const SETTINGS = kernelSettings(100_000);

const of = (path: string, text: string | undefined) => {
  const setting = SETTINGS.find((one) => one.path === path);
  assert.ok(setting);
  return checkKernel(setting, async () => text);
};

test("accepts a setting that is large enough, and one that the system does not have", async () => {
  assert.equal((await of("net.core.somaxconn", "16384")).verdict, "ok");
  assert.equal((await of("net.netfilter.nf_conntrack_max", undefined)).verdict, "ok");
  assert.equal((await of("net.ipv4.ip_local_port_range", "32768\t60999")).verdict, "ok");
  assert.equal((await of("net.ipv4.tcp_mem", "288849\t385134\t577698")).verdict, "ok");
});

test("notes a setting that is too small, with its purpose and the command that sets it", async () => {
  const { verdict, what, mend } = await of("net.core.somaxconn", "128");
  assert.deepEqual([verdict, mend], ["note", "sysctl -w net.core.somaxconn=16384"]);
  assert.match(what, /^128 \(.*waiting at the door/);
  assert.equal(
    (await of("net.ipv4.tcp_mem", "99\t400000\t99")).mend,
    'sysctl -w net.ipv4.tcp_mem="200000 400000 400000"',
  );
  assert.equal(
    (await of("net.ipv4.ip_local_port_range", "50000 60999")).mend,
    'sysctl -w net.ipv4.ip_local_port_range="32768 60000"',
  );
});

test("notes a setting that is too large for many connections, and accepts it for few", async () => {
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

test("asks for separate pages only when many listeners may stall at once", async () => {
  const { verdict, mend } = await of("net.core.high_order_alloc_disable", "0");
  assert.deepEqual([verdict, mend], ["note", "sysctl -w net.core.high_order_alloc_disable=1"]);
  assert.ok(kernelSettings(1_000).every(({ path }) => path !== "net.core.high_order_alloc_disable"));
});

test("every setting of the table has a purpose", async () => {
  for (const { path } of SETTINGS) assert.match((await of(path, "0")).what, /^0 \(.{20,}\)$/);
});

test("names the memory that more connections need, with its command", async () => {
  const read = async (path: string) => (path === "net.ipv4.tcp_mem" ? "287901\t383868\t575802" : undefined);
  assert.deepEqual(await kernelNotes(100_000, read), []);
  const notes = await kernelNotes(190_000, read);
  assert.equal(notes.length, 1);
  assert.match(notes[0] as string, /^net\.ipv4\.tcp_mem: .*sysctl -w net\.ipv4\.tcp_mem="380000 570000 760000"$/);
});
